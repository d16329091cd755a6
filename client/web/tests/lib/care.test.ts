import { describe, expect, it } from "vitest";
import { reachesNobody } from "../../src/lib/http/care.ts";

describe("a flag", () => {
  it("[CL1] asks for the crisis lines where nobody sees it", () => {
    expect(reachesNobody({ ok: true, fields: { facilitators: 0 } })).toBe(true);
    expect(reachesNobody({ ok: false, code: "frozen", message: "" })).toBe(true);
    expect(reachesNobody({ ok: false, code: "closed", message: "" })).toBe(true);
    expect(reachesNobody({ ok: true, fields: { facilitators: 1 } })).toBe(false);
  });
});
