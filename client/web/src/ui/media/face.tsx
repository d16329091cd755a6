/** Somebody's moving picture, round, above their letters; unseen until its first frame is there. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface FaceProps {
  readonly stream: MediaStream;
  /** One's own picture is shown as a mirror shows it. */
  readonly mirrored: boolean;
}

export function Face({ stream, mirrored }: FaceProps): VNode {
  const video = useRef<HTMLVideoElement>(null);
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    // Another person's last frame must not stand in for this one.
    setDrawn(false);
    element.srcObject = stream;
    // As a property: the attribute alone doesn't silence an element that was made by script.
    element.muted = true;
    void element.play().catch(() => undefined);
    return () => {
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
      onLoadedData={() => setDrawn(true)}
    />
  );
}
