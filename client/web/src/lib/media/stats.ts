/** A few figures from `getStats`, to show to a person. Pure. */
import { own } from "../own.ts";

export interface Flow {
  /** Kilobits per second. */
  readonly sound: number;
  readonly picture: number;
  /** The part of the packets that was lost since the last look, 0 to 1; null if unknown. */
  readonly loss: number | null;
}

export interface Digest {
  readonly down: Flow;
  readonly up: Flow;
  /** Round-trip time in milliseconds. */
  readonly rtt: number | null;
  /** Jitter of the sound in milliseconds. */
  readonly jitter: number | null;
  /** "opus", "VP8" */
  readonly codecs: readonly string[];
  /** "udp" or "tcp". */
  readonly way: string | null;
  readonly relay: boolean;
}

type Row = Readonly<Record<string, unknown>>;

/** The statistics at one moment. */
export interface Look {
  readonly at: number;
  readonly rows: readonly Row[];
}

const number = (row: Row | undefined, key: string): number => {
  const value = own(row, key);
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};
const text = (row: Row | undefined, key: string): string | null => {
  const value = own(row, key);
  return typeof value === "string" ? value : null;
};

/** All audio packets that were received; `packet-watch.ts` counts them. */
export function packetsIn(rows: readonly Row[]): number {
  return rows
    .filter((row) => row["type"] === "inbound-rtp" && row["kind"] === "audio")
    .reduce((sum, row) => sum + number(row, "packetsReceived"), 0);
}

export function digest(before: Look | null, after: Look): Digest {
  const earlier = new Map((before?.rows ?? []).map((row) => [row["id"], row]));
  const seconds = before === null ? 0 : (after.at - before.at) / 1000;
  const of = (type: string, kind?: string): Row[] =>
    after.rows.filter((row) => row["type"] === type && (kind === undefined || row["kind"] === kind));
  const grown = (row: Row, key: string): number =>
    Math.max(0, number(row, key) - number(earlier.get(row["id"]), key));
  const rate = (rows: readonly Row[], key: string): number =>
    seconds <= 0 ? 0 : Math.round((rows.reduce((sum, row) => sum + grown(row, key), 0) * 8) / seconds / 1000);
  const share = (lost: number, all: number): number | null => (all > 0 ? Math.min(1, lost / all) : null);
  const sum = (rows: readonly Row[], key: string): number => rows.reduce((all, row) => all + grown(row, key), 0);

  const ins = of("inbound-rtp");
  const outs = of("outbound-rtp");
  const reports = of("remote-inbound-rtp");
  const lostIn = sum(ins, "packetsLost");
  const pair = of("candidate-pair").find((row) => row["nominated"] === true && row["state"] === "succeeded");
  const local = after.rows.find((row) => pair !== undefined && row["id"] === pair["localCandidateId"]);
  const times = [pair?.["currentRoundTripTime"], ...reports.map((row) => row["roundTripTime"])];
  const rtt = times.find((value): value is number => typeof value === "number");
  const heard = of("inbound-rtp", "audio").filter((row) => grown(row, "packetsReceived") > 0);
  const used = new Set([...ins, ...outs].filter((row) => number(row, "packetsReceived") + number(row, "packetsSent") > 0).map((row) => row["codecId"]));
  const codecs = of("codec")
    .filter((row) => used.has(row["id"]))
    .map((row) => (text(row, "mimeType") ?? "").replace(/^\w+\//, ""));
  return {
    down: {
      sound: rate(of("inbound-rtp", "audio"), "bytesReceived"),
      picture: rate(of("inbound-rtp", "video"), "bytesReceived"),
      loss: before === null ? null : share(lostIn, lostIn + sum(ins, "packetsReceived")),
    },
    up: {
      sound: rate(of("outbound-rtp", "audio"), "bytesSent"),
      picture: rate(of("outbound-rtp", "video"), "bytesSent"),
      loss: before === null ? null : share(sum(reports, "packetsLost"), sum(outs, "packetsSent")),
    },
    rtt: rtt === undefined ? null : Math.round(rtt * 1000),
    jitter: heard.length === 0 ? null : Math.round(Math.max(...heard.map((row) => number(row, "jitter"))) * 1000),
    codecs: [...new Set(codecs.filter((name) => name !== ""))].sort(),
    way: text(local, "relayProtocol") ?? text(local, "protocol"),
    relay: text(local, "candidateType") === "relay",
  };
}
