// The shop's JSON, as every page uses it. The cookie and our own Origin say who asks.

/** What the server refused, or a connection that broke (`status` 0). */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error || body.message || "");
    this.status = status;
    this.code = body.code || "";
    this.hint = body.hint || "";
    this.body = body;
  }
}

/** Send JSON (or nothing) and return the answer's JSON; throw `Refused`. */
export async function ask(method, url, body) {
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, {});
  }
  const read = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, read);
  return read;
}
