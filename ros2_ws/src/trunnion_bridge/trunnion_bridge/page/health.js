// Whether the cell and the bridge are well: the nodes by their heartbeats, and what the bridge checks of itself.

import { tell } from "./log.js";
import { element } from "./parts.js";
import { ask } from "./session.js";
import { duration } from "./when.js";

const CHECK_MS = 5000;
const ILL = ["silent", "awaited", "error"];
const list = document.getElementById("nodes");
const checks = document.getElementById("checks");
const states = new Map();
const own = new Set(); // names of checks that are no nodes: those are checked only while they are ill

export const isIll = (node) => ILL.includes(node.state);

// Without seconds, which would have a screen reader speak every time they change.
export function illness({ name, state, message }) {
  if (state === "silent") return `${name} fell silent`;
  return state === "awaited" ? `${name} has not been heard of` : `${name}: ${message}`;
}

export function showNodes(all) {
  for (const node of all) noteChange(node);
  document.getElementById("well").textContent = `${all.filter((node) => !isIll(node)).length} of ${all.length} nodes well`;
  fill(list, all.map((node) => [node.name, node.state, says(node)]));
}

export function startChecks() {
  const check = async () => {
    if (document.hidden) return;
    // A bridge that is not well answers, too; one that does not answer is told of elsewhere.
    const health = await ask("/healthz").then((answer) => answer.json()).catch(() => null);
    if (!health) return;
    for (const { name, ok } of health.checks) if (ok || !states.has(name)) own.add(name);
    const shown = health.checks.filter(({ name }, index, all) => own.has(name) && all.findIndex((one) => one.name === name) === index);
    fill(checks, shown.map(({ name, ok, message }) => [name, ok ? "ok" : "error", message]));
  };
  check();
  setInterval(check, CHECK_MS);
}

function noteChange(node) {
  const before = states.get(node.name);
  states.set(node.name, node.state);
  if (before === undefined || before === node.state) return;
  if (isIll(node)) tell(illness(node), "bad");
  else if (ILL.includes(before)) tell(`${node.name} is ${before === "awaited" ? "here" : "back"}`, "good");
}

function says({ state, message, age_ms: age }) {
  if (state === "awaited") return "not heard of yet";
  return state === "silent" && age !== null ? `silent for ${duration(Math.floor(age / 1000))}` : message;
}

function fill(place, rows) {
  const key = JSON.stringify(rows);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...rows.map(([name, state, words]) => element("li", { "data-state": state },
    element("span", { class: "dot" }), element("span", { class: "name" }, name), element("span", { class: "says" }, words))));
}
