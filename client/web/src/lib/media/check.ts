/** Tests of the person's own devices; nothing leaves this machine. */

export interface Meter {
  /** The present level, 0 (silent) to 1 (too loud). */
  level(): number;
  close(): void;
}

/** Decibels that are drawn as empty and as full. */
const FLOOR = -60;
const CEILING = -6;

/** The level of `samples` (in [-1, 1]), from 0 to 1. Pure. */
export function levelOf(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms === 0) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(rms) - FLOOR) / (CEILING - FLOOR)));
}

export function meter(track: MediaStreamTrack): Meter {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      return levelOf(samples);
    },
    close: () => void context.close(),
  };
}

type Sinkable = AudioContext & { setSinkId?(id: string): Promise<void> };

async function contextFor(speaker: string | null): Promise<AudioContext> {
  const context: Sinkable = new AudioContext();
  // If the device is gone, the sound stays where it is.
  if (speaker !== null) await context.setSinkId?.(speaker).catch(() => undefined);
  return context;
}

/**
 * Records `ms` milliseconds of `track` and plays them on `speaker`. Nothing leaves this machine or is
 * kept. `phase` is called when playing begins; resolves when it has ended.
 */
export async function echoTest(
  track: MediaStreamTrack,
  ms: number,
  speaker: string | null,
  playing: () => void,
): Promise<void> {
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts: Blob[] = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const stopped = new Promise<void>((resolve) => (recorder.onstop = () => resolve()));
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (recorder.state !== "inactive") recorder.stop();
  await stopped;
  const context = await contextFor(speaker);
  try {
    const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
    const source = context.createBufferSource();
    source.buffer = sound;
    source.connect(context.destination);
    playing();
    const ended = new Promise<void>((resolve) => (source.onended = () => resolve()));
    source.start();
    // A context without an output device never ends by itself.
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ms + 1500))]);
  } finally {
    void context.close();
  }
}

/** Plays two soft notes on `speaker`, as a test. */
export async function chime(speaker: string | null): Promise<void> {
  const context = await contextFor(speaker);
  const start = context.currentTime + 0.05;
  for (const [i, pitch] of [392, 523.25].entries()) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    const at = start + i * 0.35;
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.18, at + 0.04);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.9);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + 1);
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  void context.close();
}
