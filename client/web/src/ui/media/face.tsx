/** A member's video over their initials; invisible until its first frame. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface FaceProps {
  readonly stream: MediaStream;
  /** Mirrors our own picture. */
  readonly mirrored: boolean;
}

export function Face({ stream, mirrored }: FaceProps): VNode {
  const video = useRef<HTMLVideoElement>(null);
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    setDrawn(false);
    element.srcObject = stream;
    // As a property: the attribute doesn't mute an element made by script.
    element.muted = true;
    void element.play().catch(() => undefined);
    const since = performance.now();
    let waiting = 0;
    const frame = (_: number, { receiveTime }: VideoFrameCallbackMetadata): void => {
      // A slot may still show the last picture of the member before.
      if (receiveTime === undefined || receiveTime >= since) setDrawn(true);
      else waiting = element.requestVideoFrameCallback(frame);
    };
    if ("requestVideoFrameCallback" in element) waiting = element.requestVideoFrameCallback(frame);
    return () => {
      if (waiting !== 0) element.cancelVideoFrameCallback(waiting);
      element.srcObject = null;
    };
  }, [stream]);
  return (
    <video
      ref={video}
      class={`face ${mirrored ? "is-mirrored" : ""} ${drawn ? "is-drawn" : ""}`}
      playsInline
      autoplay
      muted
      disablePictureInPicture
      aria-hidden="true"
      tabIndex={-1}
      onLoadedData={(event) => {
        if (!("requestVideoFrameCallback" in event.currentTarget)) setDrawn(true);
      }}
    />
  );
}
