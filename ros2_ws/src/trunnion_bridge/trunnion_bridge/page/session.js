// Who looks at the page: a cookie that no script can read, which the bridge gives at its own machine.

let opening = null;

// Several parts of the page may ask at once; one request is enough.
export function openSession() {
  opening ||= fetch("/v1/session", { method: "POST" }).finally(() => (opening = null));
  return opening;
}

// A fetch that opens a new session when the old one has ended, as it does when the bridge was started anew.
export async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status !== 401 || !(await openSession()).ok) return answer;
  return fetch(path, options);
}
