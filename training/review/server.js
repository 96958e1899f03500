// Talks to the server that this page came from; its address has the token.

export class Failure extends Error {
  constructor(message, reply = {}) {
    super(message);
    this.reply = reply;
  }
}

const GONE =
  "The server can't be reached, so that was not kept. Start `sam3i review` again and open the " +
  "address that it prints: all you did before is there.";

async function ask(path, options) {
  let response, reply;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
    reply = await response.json();
  } catch {
    throw new Failure(GONE);
  }
  if (!response.ok) throw new Failure(reply.error || GONE, reply);
  return reply;
}

export const get = (path) => ask(path);

export const post = (path, body = {}) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
