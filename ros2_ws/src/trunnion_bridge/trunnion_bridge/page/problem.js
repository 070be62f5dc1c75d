// A request to the bridge, whose failure is a sentence that says what to do next.

import { ask } from "./session.js";

// What the bridge answered. Throws an Error whose message is for the reader.
export async function request(path, options) {
  const answer = await ask(path, options).catch(() => null);
  if (!answer) throw new Error("The bridge does not answer. Next: see whether it runs, then try again.");
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(words(content, answer.status));
  return content;
}

function words({ title, wanted, next }, status) {
  if (!title) return `The bridge refused (${status}). Next: look into its log.`;
  return `${title}. ${wanted ? `Wanted: ${wanted}. ` : ""}Next: ${next}.`;
}
