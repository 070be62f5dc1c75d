// The robots behind this bridge: what each does, or what it lacks.

import { element } from "./parts.js";
import { request } from "./problem.js";

const AGAIN_MS = 5000;
const LOOKS = { idle: "ok", sorting: "ok", waiting: "warn", away: "error" };
const place = document.getElementById("robots");

export function startRobots() {
  load();
  setInterval(() => document.hidden || load(), AGAIN_MS);
}

async function load() {
  const { robots } = await request("/v1/robots").catch(() => ({})); // what is lost is told elsewhere
  if (!robots) return;
  const key = JSON.stringify(robots.map(({ name, doing, message }) => [name, doing, message]));
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...robots.map(({ name, doing, message }) => element("li", { "data-state": LOOKS[doing] },
    element("span", { class: "dot" }), element("span", { class: "name" }, name),
    element("span", { class: "says" }, doing === "sorting" ? doing : `${doing}: ${message}`))));
}
