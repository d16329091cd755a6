/** Loads a public list of the server, without cookies or referrer (rules HT11, HT12). */
export async function fetchPublic(path: "/templates" | "/crisis-lines"): Promise<unknown> {
  const answer = await fetch(path, { credentials: "omit", referrerPolicy: "no-referrer" });
  if (!answer.ok) throw new Error("the list can't be had");
  return answer.json();
}
