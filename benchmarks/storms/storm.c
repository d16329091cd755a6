/* A storm: many hostile connections from one thread, to one address of this machine alone.
 *
 *   storm TARGET PORT CONNECTIONS ADDRESSES FRAMES SECONDS [sink]  < program
 *   storm drain PORT
 *
 * Every connection runs the same program, line by line, from source addresses 127.0.0.2 and on.
 * It ends by itself after FRAMES frames or SECONDS seconds; FRAMES are spread over SECONDS. `drain`
 * listens instead, and throws away what comes: what a storm does to a machine without a server.
 * With `sink` nothing is awaited, so that the same program runs against a drain.
 *
 * A program's lines, bytes in hexadecimal; each that sends counts as one frame, also an HTTP head
 * or a piece of one:
 *   connect             from this connection's address; what came before is forgotten
 *   send HEX            once
 *   flood N HEX         N times, 0: for ever
 *   dribble MS HEX      a byte every MS milliseconds
 *   await MS HEX        until these bytes have come; after MS milliseconds the program starts anew
 *   keep HEX            remembers the MessagePack string behind the last of these bytes
 *   sendkept HEX HEX    a WebSocket frame: the first, the string that was kept, the second
 *   pause MS
 *   deaf                from now on nothing is read
 *   cut                 ends the connection without a word
 *   again LINE          goes on at this line, from 0
 * The four bytes `#id#` in what is sent become a number that no other frame has, big-endian. When
 * the other side ends a connection its program starts anew at line 0, or at the line of `lost LINE`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_STEPS = 64, MOST_CONNECTIONS = 8192, CAME = 16384, KEPT = 512, BATCH = 64 };
enum kind { CONNECT, SEND, FLOOD, DRIBBLE, AWAIT, KEEP, SENDKEPT, PAUSE, DEAF, CUT, AGAIN };

struct step { enum kind kind; long number; unsigned char *a, *b; size_t na, nb; };
struct peer {
    int fd, at, deaf, blocked;
    long left;                    /* of a flood's frames, or of a dribble's bytes already sent */
    double until;                 /* when what is waited for is over; 0: not waiting */
    unsigned char *out; size_t sent, size, room;
    unsigned char came[CAME]; size_t have;
    unsigned char kept[KEPT]; size_t kept_size;
};

static struct step steps[MOST_STEPS];
static int many_steps, lost_line, sink, epoll;
static struct peer *peers;
static struct sockaddr_in target;
static long connections, addresses, frames_most;
static long frames, connects, refused, ended, late, blocked;
static long long bytes_out, bytes_in;
static uint32_t next_id = 1000000;
static volatile sig_atomic_t stopped;

static void stop(int signal) { (void)signal; stopped = 1; }

static void give_up(const char *why) { fprintf(stderr, "storm: %s\n", why); exit(2); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned char *bytes_of(const char *hex, size_t *size) {
    size_t n = strlen(hex) / 2;
    unsigned char *made = malloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned value;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1) give_up("these are no bytes");
        made[i] = (unsigned char)value;
    }
    *size = n;
    return made;
}

static void read_program(void) {
    static const struct { const char *name; enum kind kind; int number, texts; } words[] = {
        {"connect", CONNECT, 0, 0}, {"send", SEND, 0, 1}, {"flood", FLOOD, 1, 1},
        {"dribble", DRIBBLE, 1, 1}, {"await", AWAIT, 1, 1}, {"keep", KEEP, 0, 1},
        {"sendkept", SENDKEPT, 0, 2}, {"pause", PAUSE, 1, 0}, {"deaf", DEAF, 0, 0},
        {"cut", CUT, 0, 0}, {"again", AGAIN, 1, 0},
    };
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        char *rest = line, *word = strsep(&rest, " \n");
        if (!*word) continue;
        if (!strcmp(word, "lost")) { lost_line = atoi(strsep(&rest, " \n")); continue; }
        if (many_steps == MOST_STEPS) give_up("the program is too long");
        struct step *step = &steps[many_steps++];
        size_t i, known = sizeof words / sizeof *words;
        for (i = 0; i < known && strcmp(word, words[i].name); i++) {}
        if (i == known) give_up("the program has an unknown word");
        step->kind = words[i].kind;
        if (words[i].number) step->number = atol(strsep(&rest, " \n"));
        if (words[i].texts > 0) step->a = bytes_of(strsep(&rest, " \n"), &step->na);
        if (words[i].texts > 1) step->b = bytes_of(strsep(&rest, " \n"), &step->nb);
    }
    if (!many_steps) give_up("the program is empty");
    free(line);
}

static void watch(struct peer *peer, int how) {
    struct epoll_event event = {.events = 0, .data.ptr = peer};
    if (!peer->deaf) event.events |= EPOLLIN;
    if (peer->blocked) event.events |= EPOLLOUT;
    epoll_ctl(epoll, how, peer->fd, &event);
}

static void drop(struct peer *peer) {
    if (peer->fd < 0) return;
    struct linger at_once = {1, 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(peer->fd);
    peer->fd = -1;
    peer->sent = peer->size = 0;
    peer->blocked = peer->deaf = 0;
}

static void start_anew(struct peer *peer, int line, double rest) {
    drop(peer);
    peer->at = line;
    peer->left = 0;
    peer->until = rest > 0 ? now() + rest : 0;
}

static void dial(struct peer *peer) {
    drop(peer);
    peer->have = 0;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->fd < 0) { refused++; return start_anew(peer, peer->at, 0.05); }
    int yes = 1, small = 4096;
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(peer->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    for (int i = peer->at; i < many_steps; i++)
        if (steps[i].kind == DEAF)
            setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)((peer - peers) % addresses));
    connects++;
    if (bind(peer->fd, (struct sockaddr *)&own, sizeof own)
        || (connect(peer->fd, (struct sockaddr *)&target, sizeof target) && errno != EINPROGRESS)) {
        refused++;
        return start_anew(peer, peer->at, 0.05);
    }
    peer->blocked = 1;
    watch(peer, EPOLL_CTL_ADD);
    peer->at++;
}

static void put(struct peer *peer, const unsigned char *data, size_t size) {
    if (peer->room < peer->size + size) {
        peer->room = 2 * (peer->size + size);
        peer->out = realloc(peer->out, peer->room);
    }
    memcpy(peer->out + peer->size, data, size);
    unsigned char *mark = memmem(peer->out + peer->size, size, "#id#", 4);
    if (mark) {
        uint32_t number = htonl(next_id++);
        memcpy(mark, &number, 4);
    }
    peer->size += size;
    frames++;
}

static void put_kept(struct peer *peer, const struct step *step) {
    unsigned char frame[4 * KEPT] = {0x82, 0xfe};
    size_t size = step->na + peer->kept_size + step->nb, at = 8;
    if (size + at > sizeof frame) give_up("a frame is too long");
    frame[2] = (unsigned char)(size >> 8);
    frame[3] = (unsigned char)size;
    memcpy(frame + at, step->a, step->na);
    memcpy(frame + at + step->na, peer->kept, peer->kept_size);
    memcpy(frame + at + step->na + peer->kept_size, step->b, step->nb);
    put(peer, frame, at + size);
}

static int keep(struct peer *peer, const struct step *step) {
    unsigned char *found = NULL, *from = peer->came, *end = peer->came + peer->have, *next;
    while ((next = memmem(from, (size_t)(end - from), step->a, step->na))) from = (found = next) + 1;
    if (!found || (found += step->na) + 2 >= end) return 0;
    size_t head = *found == 0xd9 ? 2 : 1;
    size_t size = *found == 0xd9 ? found[1] : (size_t)(*found & 0x1f);
    if (found + head + size > end || head + size > KEPT) return 0;
    memcpy(peer->kept, found, head + size);
    peer->kept_size = head + size;
    return 1;
}

/* Writes what waits; 0 where the other side does not take it, or is gone. */
static int flushed(struct peer *peer) {
    while (peer->sent < peer->size) {
        ssize_t n = send(peer->fd, peer->out + peer->sent, peer->size - peer->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!peer->blocked) { blocked++; peer->blocked = 1; watch(peer, EPOLL_CTL_MOD); }
            return 0;
        }
        if (n < 0) { ended++; start_anew(peer, lost_line, 0.01); return 0; }
        peer->sent += (size_t)n;
        bytes_out += n;
    }
    peer->sent = peer->size = 0;
    return 1;
}

/* Goes on with a peer's program until it waits for something; sends at most `most` frames. */
static void run(struct peer *peer, double at, long most) {
    for (int turns = 0; turns < 4 * BATCH; turns++) {
        if (peer->fd >= 0 && (peer->blocked || (peer->size && !flushed(peer)))) return;
        if (peer->at >= many_steps) peer->at = 0;
        struct step *step = &steps[peer->at];
        if (step->kind <= FLOOD || step->kind == SENDKEPT || step->kind == DRIBBLE)
            if (most <= 0) return;
        switch (step->kind) {
        case CONNECT:
            if (peer->until > at) return;
            peer->until = 0;
            most--;
            frames++;
            dial(peer);
            break;
        case SEND:
            put(peer, step->a, step->na), most--, peer->at++;
            break;
        case FLOOD:
            if (!peer->left) peer->left = step->number ? step->number : -1;
            for (int i = 0; i < BATCH && most > 0 && peer->left; i++, most--) {
                put(peer, step->a, step->na);
                if (peer->left > 0) peer->left--;
            }
            if (!peer->left) peer->at++;
            break;
        case DRIBBLE:
            if (peer->until > at) return;
            peer->until = at + (double)step->number / 1e3;
            put(peer, step->a + peer->left, 1), most--;
            if (++peer->left == (long)step->na) peer->left = 0, peer->until = 0, peer->at++;
            break;
        case SENDKEPT:
            put_kept(peer, step), most--, peer->at++;
            break;
        case AWAIT:
            if (sink || memmem(peer->came, peer->have, step->a, step->na)) {
                peer->until = 0, peer->at++;
                break;
            }
            if (!peer->until) peer->until = at + (double)step->number / 1e3;
            if (peer->until > at) return;
            late++;
            start_anew(peer, lost_line, 0);
            return;
        case KEEP:
            if (sink || keep(peer, step)) {
                peer->have = 0, peer->until = 0, peer->at++;
                break;
            }
            if (!peer->until) peer->until = at + 2;
            if (peer->until > at) return;
            late++;
            start_anew(peer, lost_line, 0);
            return;
        case PAUSE:
            if (!peer->until) peer->until = at + (double)step->number / 1e3;
            if (peer->until > at) return;
            peer->until = 0, peer->at++;
            break;
        case DEAF:
            if (!peer->deaf) { peer->deaf = 1; watch(peer, EPOLL_CTL_MOD); }
            peer->at++;
            break;
        case CUT:
            drop(peer), peer->at++;
            break;
        case AGAIN:
            peer->at = (int)step->number;
            break;
        }
    }
}

static void heard(struct peer *peer) {
    unsigned char scratch[65536];
    ssize_t n;
    while ((n = recv(peer->fd, scratch, sizeof scratch, 0)) > 0) {
        bytes_in += n;
        size_t part = (size_t)n > CAME ? CAME : (size_t)n;
        if (peer->have + part > CAME) {
            size_t left = CAME - part < peer->have ? CAME - part : peer->have;
            memmove(peer->came, peer->came + peer->have - left, left);
            peer->have = left;
        }
        memcpy(peer->came + peer->have, scratch + (size_t)n - part, part);
        peer->have += part;
        if ((size_t)n < sizeof scratch) return;
    }
    if (n == 0 || errno != EAGAIN) { ended++; start_anew(peer, lost_line, 0.01); }
}

static void drain(int port) {
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listening, (struct sockaddr *)&own, sizeof own) || listen(listening, 4096))
        give_up("this port is not to be had");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, came[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event);
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        int many = epoll_wait(epoll, came, 256, 100);
        for (int i = 0; i < many; i++) {
            int fd = came[i].data.fd;
            if (fd == listening) {
                while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    event.data.fd = fd;
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            ssize_t n; /* MSG_TRUNC: the kernel throws it away, and copies nothing */
            while ((n = recv(fd, NULL, 1 << 20, MSG_TRUNC)) > 0) {}
            if (n == 0 || errno != EAGAIN) close(fd);
        }
    }
}

static void storm(double seconds) {
    double began = now();
    long start = 0;
    struct epoll_event came[512];
    while (!stopped && frames < frames_most) {
        double at = now();
        if (at - began >= seconds) break;
        long due = (long)((at - began) / seconds * (double)frames_most) + 1 - frames;
        for (long i = 0; i < connections; i++) {
            long before = frames;
            run(&peers[(start + i) % connections], at, due < BATCH ? due : BATCH);
            due -= frames - before;
        }
        start = (start + 1) % connections;
        int many = epoll_wait(epoll, came, 512, 1);
        for (int i = 0; i < many; i++) {
            struct peer *peer = came[i].data.ptr;
            if (peer->fd < 0) continue;
            if (came[i].events & EPOLLOUT) { peer->blocked = 0; watch(peer, EPOLL_CTL_MOD); }
            if (came[i].events & EPOLLIN) heard(peer);
            else if (came[i].events & (EPOLLERR | EPOLLHUP)) {
                ended++;
                start_anew(peer, lost_line, 0.01);
            }
        }
    }
    long open = 0;
    for (long i = 0; i < connections; i++) open += peers[i].fd >= 0;
    printf("{\"frames\": %ld, \"seconds\": %.3f, \"connects\": %ld, \"refused\": %ld, \"ended\": %ld, "
           "\"late\": %ld, \"blocked\": %ld, \"open\": %ld, \"bytes_out\": %lld, \"bytes_in\": %lld}\n",
           frames, now() - began, connects, refused, ended, late, blocked, open, bytes_out, bytes_in);
}

int main(int many, char **words) {
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (many == 3 && !strcmp(words[1], "drain")) return drain(atoi(words[2])), 0;
    if (many < 7) give_up("TARGET PORT CONNECTIONS ADDRESSES FRAMES SECONDS [sink]");
    target.sin_family = AF_INET;
    target.sin_port = htons((uint16_t)atoi(words[2]));
    if (inet_pton(AF_INET, words[1], &target.sin_addr) != 1
        || ntohl(target.sin_addr.s_addr) >> 24 != 127)
        give_up("the target is not of 127.0.0.0/8: storms stay on this machine");
    connections = atol(words[3]);
    addresses = atol(words[4]);
    frames_most = atol(words[5]);
    double seconds = atof(words[6]);
    sink = many > 7 && !strcmp(words[7], "sink");
    if (connections < 1 || connections > MOST_CONNECTIONS || addresses < 1 || addresses > 250
        || frames_most < 1 || frames_most > 2000000 || seconds <= 0 || seconds > 600)
        give_up("at most 8192 connections, 250 addresses, 2,000,000 frames and 600 seconds");
    read_program();
    peers = calloc((size_t)connections, sizeof *peers);
    for (long i = 0; i < connections; i++) peers[i].fd = -1;
    storm(seconds);
    for (long i = 0; i < connections; i++) drop(&peers[i]);
    return 0;
}
