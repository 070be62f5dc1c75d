// What a screen reader says without being asked: few words, one sentence after a pause in which others may join it.

const PAUSE_MS = 400;
const MOST = 3;
const place = document.getElementById("said");
let waiting = [];

export function announce(text) {
  if (!waiting.length) setTimeout(speak, PAUSE_MS);
  waiting.push(text);
}

function speak() {
  const newest = waiting.at(-1);
  place.textContent = waiting.length > MOST ? `${waiting.length} changes, the newest: ${newest}` : waiting.join(". ");
  waiting = [];
}
