/**
 * Every word that the page says, in one place, so that a translation has somewhere to go.
 * Plain and kind; never a scolding, never a promise that the software can't keep.
 */
const people = (n: number): string => (n === 1 ? "1 person" : `${n} people`);
const seconds = (n: number): string => (n === 1 ? "1 second" : `${n} seconds`);
const list = (names: readonly string[]): string =>
  names.length < 2
    ? (names[0] ?? "")
    : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;

export const words = {
  app: "Sitwith",
  people,
  seconds,
  list,
  unknown: "someone who has left",
  close: "Close",
  cancel: "Cancel",
  back: "Back",
  dismiss: "Dismiss",
  minutes: "Minutes",

  title: {
    join: "Join",
    agreement: "Our agreement",
    lobby: "Waiting room",
    circle: "Circle",
    turn: "Your turn",
    reconnecting: "Reconnecting",
    closed: "Goodbye",
  },
  skip: { label: "Skip", stage: "Skip to the circle", talk: "Skip to the conversations" },

  join: {
    welcome: "Welcome. Take your time.",
    intro: "You are about to sit down with a small circle of people. Nothing is recorded.",
    name: "Your name in this circle",
    hint: "Any name you like, up to 40 letters. A first name is enough.",
    go: "Join the circle",
    going: "Joining…",
    empty: "Please write a name first. It can be anything.",
    again: "Already here before?",
    againHint: "Your seat in this circle was kept on this device.",
    resume: "Take your seat again",
    fresh: "Join as someone new",
    noRoom: "This page needs the whole link",
    noRoomBody:
      "The link that you were given has a part after the # sign. It seems to be missing here. Please open the full link once more, or ask whoever invited you.",
    crisis:
      "This is a circle of people, not an emergency service. If you or somebody else is in danger now, please call your local emergency number.",
  },

  agreement: {
    heading: "Before we begin",
    intro: "This is what everyone in the circle agrees to. Please read it in your own time.",
    accept: "I agree to this",
    changed: "The agreement has just changed. Please read it once more.",
    leave: "Not today",
  },

  lobby: {
    heading: "You are in the waiting room",
    body: "A facilitator can see that you are here and will let you in soon. You don't have to do anything.",
    stay: "Keep this page open. If the connection drops, it comes back by itself.",
    leave: "Leave the waiting room",
  },

  link: {
    reconnecting: "Connection lost. Your seat is kept; reconnecting…",
    back: "You are back.",
    inert: "Reconnecting. Please wait a moment.",
    connecting: "Connecting…",
  },

  closed: {
    again: "Try again",
    here: "Take the seat here",
    comeBack: "Come back in",
    startAnew: "Come in with the link",
    left: {
      heading: "You have left the circle",
      body: "Thank you for having been here. Your seat is free now. You can come back with the same link while the circle is open.",
    },
    ended: {
      heading: "The circle has ended",
      body: "Thank you for sitting with us. Everything that was written here is gone. Be gentle with yourself for the rest of the day.",
    },
    4010: {
      heading: "Somebody else needed this place at the door",
      body: "Many people are coming in just now. Nothing is lost: you can come in again, as the same person.",
    },
    name: {
      heading: "Please choose another name",
      body: "A name is 1 to 40 characters in one script. It holds no word for a role, such as “host” or “facilitator”, and no check mark, star, crown or hidden character: who leads is shown beside the names. Please try again with another one.",
    },
    4400: {
      heading: "Something went wrong on our side",
      body: "This page sent something that the room could not read. It is not your fault. Please try again; if it stays so, tell whoever invited you.",
    },
    4403: {
      heading: "A facilitator has closed your seat",
      body: "You can't come back into this circle with this link for now. If you think that it was a mistake, please write to whoever invited you. If you need someone to talk to now, please turn to a person you trust or to a helpline where you live.",
    },
    4404: {
      heading: "There is nothing here",
      body: "This link leads nowhere now. The circle may be over, or the link was used up or has run out. Whoever invited you can give you a new one.",
    },
    4405: {
      heading: "Not this time",
      body: "The facilitators did not let you in just now. That says nothing about you: circles are often kept small. Whoever invited you can tell you more.",
    },
    4408: {
      heading: "The connection was too slow",
      body: "Your device did not answer in time. Please try again.",
    },
    4409: {
      heading: "Your seat is open somewhere else",
      body: "Your seat is in use in another window or on another device. You can go on there, or take the seat here.",
    },
    4413: {
      heading: "That was too large to send",
      body: "The room closed the connection because a message was too large. Your seat is kept.",
    },
    4423: {
      heading: "The circle is closed to newcomers just now",
      body: "It is full, or the facilitators have locked the door. You can try again a little later.",
    },
    4429: {
      heading: "That was a bit too fast",
      body: "The room received more from this page than it can take at once. Your seat is kept. Please wait a moment, then come back.",
    },
    other: {
      heading: "The connection has closed",
      body: "The room can't be reached just now. If you had a seat, it is kept for you.",
    },
  },

  tabs: {
    label: "Parts of the room",
    circle: "Circle",
    talk: "Chat",
    turns: "Turns",
    guide: "Guide",
    unread: " unread",
    waiting: " waiting",
    calls: " asking for help",
  },

  top: {
    locked: "Door locked",
    inside: (n: number) => `${n} here`,
    facilitator: "You are a facilitator",
  },

  floor: {
    open: "The floor is open",
    openHint: "Anyone may speak.",
    openPair: (names: readonly string[]) => (names.length === 0 ? "Just you" : `Just ${list(["you", ...names])}`),
    openPairHint: "Nobody outside your group hears or reads you.",
    quiet: "Quiet time",
    quietHint: "Only the facilitators speak just now.",
    quietHintAll: "Nobody needs to say anything.",
    resting: "The stick is resting",
    restingHint: "Raise a hand to take it.",
    has: (name: string) => `${name} has the stick`,
    listening: "We listen.",
    mine: "It is your turn",
    mineHint: "Take your time. Silence is fine too.",
    next: (name: string) => `Next: ${name}`,
    nextYou: "You are next",
    left: (time: string) => `${time} left`,
    over: "Time is up",
    lastMinute: "About a minute left",
    paused: "The clock is paused",
    why: {
      facilitator: "A facilitator has paused the clock.",
      holder: "The connection has dropped. The turn waits.",
      unattended: "It waits until a facilitator is back.",
      groups: "It waits until everybody is back from the groups.",
      frozen: "It waits until the room can go on.",
    } as Record<string, string>,
    noTime: "No clock on this turn",
  },

  notice: {
    heading: "No facilitator is here just now",
    body: "The stick is resting and the door is shut until one is back. You can stay, or leave whenever you like.",
    groupsOpen: "Small groups are open. You are in the circle with those who stayed.",
    gap: "You were disconnected for a while. Messages from before this point may be missing.",
  },

  seat: {
    you: "you",
    facilitator: "Facilitator",
    member: "Member",
    holder: "has the stick",
    hand: (place: number) => `hand raised, place ${place}`,
    handShort: (place: number) => `hand ${place}`,
    done: "has had a turn",
    reconnecting: "reconnecting",
    away: "away for a moment",
    awayShort: "away",
    here: "here",
    visitor: "visiting",
    muted: { audio: "sound off", video: "picture off", chat: "not writing" },
    held: {
      audio: "sound muted by a facilitator",
      video: "picture muted by a facilitator",
      chat: "writing muted by a facilitator",
    },
    ring: "Seats in the circle",
    ringGroup: "Seats in your group",
    reacted: (name: string, what: string) => `${name}: ${what}`,
  },

  reactions: {
    open: "React",
    kinds: {
      hear_you: "I hear you",
      me_too: "me too",
      thank_you: "thank you",
      heart: "warmth",
      with_you: "I am with you",
      thanks: "thank you",
      same: "same here",
      calm: "breathing with you",
      sun: "a bit of light",
    } as Record<string, string>,
  },

  dock: {
    label: "Your controls",
    raise: "Raise hand",
    lower: "Lower hand",
    lowerPlace: (n: number) => `Lower hand (place ${n})`,
    pass: "Pass the stick",
    later: "Later",
    last: "Go last",
    more: "More",
    help: "Ask for help",
    helpAsked: "You asked for help",
    heldHint: "A facilitator has muted this. Only a facilitator can allow it again.",
    away: "Step away",
    back: "I am back",
    return: "Back to the circle",
    leave: "Leave",
  },

  more: {
    heading: "You",
    name: "Your name in this circle",
    rename: "Change name",
    notThisName: "That can't be a name here: no words for roles, no check marks, stars or crowns, one script.",
    renamed: "Your name has changed.",
    away: "Step away for a moment",
    awayHint: "Your seat stays yours and shows that you are away.",
    back: "I am back",
    writeStaff: "Write to the facilitators",
    writeStaffHint: "Only they and you can read it.",
    leave: "Leave the circle",
    laterHeading: "Your turn in the round",
    later: "Let the next one go before me",
    last: "Let me go last",
    passNow: "Skip my turn in this round",
  },

  leave: {
    heading: "Leave the circle?",
    body: "Your seat becomes free. You can come back with the link while the circle is open.",
    bodyTurn: "You have the stick: it will move on to the next person.",
    go: "Leave",
    stay: "Stay",
  },

  turns: {
    heading: "Turns",
    round: "This round",
    done: "Had a turn",
    now: "Now",
    next: "Next",
    coming: "Coming up",
    none: "Nobody yet",
    hands: "Raised hands",
    noHands: "No hands are raised.",
    everyone: "Everyone here",
  },

  talk: {
    heading: "Conversations",
    circle: "Circle",
    facilitators: "Facilitators",
    staffMine: "To the facilitators",
    staff: (name: string) => `${name} and facilitators`,
    pair: "My group",
    pairNumber: (n: number) => `Group ${n}`,
    closedPair: "Closed group",
    unreadWord: "unread",
    logLabel: "Messages",
    empty: "Nothing has been written here yet.",
    notice: "To everyone",
    deleted: "This message was taken back.",
    sealed: "This message can't be read on this device.",
    you: "You",
    delete: "Take back",
    deleteLabel: (name: string, time: string) => `Take back the message from ${name}, ${time}`,
    deleteHeading: "Take this message back?",
    deleteBody: "The text disappears for everyone. A note stays in its place.",
    newBelow: "New messages below",
    write: "Write a message",
    send: "Send",
    sending: "Sending…",
    toCircle: (n: number) => `Everyone in the circle reads this (${people(n)}).`,
    toPair: (names: readonly string[]) =>
      names.length === 0
        ? "Only your group reads this. Nobody else is in it just now."
        : `Only ${list([...names, "you"])} read this.`,
    toStaff: (names: readonly string[]) =>
      names.length === 0
        ? "Only the facilitators read this. None is here just now, so nothing can be sent to them."
        : `Only the facilitators read this: ${list(names)}.`,
    toStaffOf: (name: string) => `Only ${name} and the facilitators read this.`,
    toFacilitators: (names: readonly string[]) =>
      names.length === 0
        ? "Only facilitators read this. You are the only one just now."
        : `Only facilitators read this: ${list([...names, "you"])}.`,
    toDirect: (name: string) => `Only ${name} and you read this.`,
    why: {
      muted: "A facilitator has muted your writing for now. You can still raise your hand.",
      apart: "While the groups are open, you can't write from one group to another.",
      off: "Writing is closed for everyone just now.",
      staffOnly: "Just now, members can write only to the facilitators.",
      inGroup: "While the groups are open, members can't write to the circle. What the facilitators say to all shows here.",
      groupClosed: "This group has closed. Nothing more can be written here.",
      gone: "This person has left the circle.",
      noDirect: "Messages between two people are switched off in this circle.",
    },
    slow: (n: number) => `Slow mode: one message every ${seconds(n)}.`,
    slowWait: (n: number) => `You can write again in ${seconds(n)}.`,
    long: (n: number) => `${n} letters too many. Up to 2,000 fit.`,
    toCircleButton: "Go to the circle's conversation",
    direct: (name: string) => `Write to ${name}`,
    announce: (name: string, where: string) => `New message from ${name}, ${where}`,
    otherCount: (n: number) => `${n} new in other conversations`,
  },

  failed: {
    keep: "Your words are kept here. ",
    bad_request: "The room could not read that.",
    not_allowed: "That isn't open to you just now.",
    no_plan: "No plan fits the never-together list. Shorten the list, or make the groups by hand.",
    not_holder: "The stick has already moved on.",
    not_inside: "You are not inside the circle.",
    muted: "A facilitator has muted this for you.",
    locked: "The door is locked.",
    full: "The circle is full.",
    no_such_member: "This person is no longer here.",
    no_staff: "No facilitator is there to read it just now. Nothing was sent.",
    no_such_group: "This group is no longer open.",
    too_fast: "That was a little fast. Wait a moment and try again.",
    too_long: "That is too long.",
    stale: "The room has changed in the meantime. Nothing was done.",
    frozen: "The room can't save anything just now. Please try again in a moment.",
    lost: "The connection dropped before the room could answer. Check whether it was sent; if not, try again.",
    other: "That did not work.",
  } as Record<string, string>,

  say: {
    turn: "It is your turn. Pass the stick when you are done.",
    turnTimed: (time: string) => `It is your turn. You have ${time}. Pass the stick when you are done.`,
    holder: (name: string) => `${name} has the stick.`,
    rest: "The stick is resting.",
    open: "The floor is open.",
    quiet: "Quiet time.",
    roundDone: "The round is done.",
    roundBegins: "A round begins.",
    minute: "About a minute left.",
    paused: "The clock is paused.",
    resumed: "The clock runs again.",
    lost: "Connection lost. Your seat is kept.",
    back: "You are back.",
    joined: (name: string) => `${name} came in.`,
    left: (name: string) => `${name} left.`,
    groups: (names: readonly string[]) =>
      names.length === 0 ? "The groups are open." : `You are in a group with ${list(names)}.`,
    groupsOver: "The groups have closed. You are back in the circle.",
    closing: "The groups close soon.",
    visitor: (name: string) => `${name} is visiting your group.`,
    visitorGone: (name: string) => `${name} has left your group.`,
    lobby: (name: string) => `${name} is in the waiting room.`,
    help: (name: string) => `${name} asks for help.`,
    nextYou: "You are next.",
    inside: "You are in the circle.",
    facilitator: "You are a facilitator now.",
    member: "You are a member now.",
  },
};
