// Joins the page to the bridge's events.

import { drawCell, showArm } from "./arm.js";
import { showDetections, startCamera } from "./camera.js";
import { live } from "./live.js";
import { tell } from "./log.js";
import { buildForm } from "./order_form.js";
import { runningOrder, setOrder, setOrders } from "./order_list.js";
import { element, setParts } from "./parts.js";
import { arrive } from "./session.js";

const ILL = ["silent", "awaited", "error"];
const link = document.getElementById("link");
const banner = document.getElementById("banner");
const nodes = document.getElementById("nodes");
const known = new Map();
let connected = false;
let wasLost = false;

function onEvent(text) {
  const event = JSON.parse(text);
  if (event.type === "snapshot") onSnapshot(event.data);
  else if (event.type === "state") onState(event.data);
  else if (event.type === "order") onOrder(event);
}

function onSnapshot({ state, orders }) {
  const { bundle } = state;
  setParts(bundle.parts);
  buildForm(bundle);
  drawCell(bundle.layout);
  document.getElementById("bundle").textContent = `${bundle.name} ${bundle.version} · ${bundle.digest.slice(0, 8)}`;
  setOrders(orders);
  onState(state);
}

function onState(state) {
  showDetections(state.detections);
  showArm(state.arm, runningOrder());
  showNodes(state.nodes);
  document.getElementById("rate").textContent = state.camera.here ? `${state.camera.rate_hz.toFixed(1)} images/s` : "no images";
  showLink(state);
}

function onOrder({ at, data: order }) {
  setOrder(order);
  const level = { succeeded: "good", failed: "bad" }[order.state] || "";
  const state = order.state === "running" ? "" : ` ${order.state}`;
  tell(`Order #${order.number}${state}: ${order.message}`, level, new Date(at));
}

function showNodes(all) {
  for (const { name, state, message } of all) {
    const before = known.get(name);
    known.set(name, state);
    if (before === undefined || before === state) continue;
    if (ILL.includes(state)) tell(isIll({ name, state, message }), "bad");
    else if (ILL.includes(before)) tell(`${name} is ${before === "awaited" ? "here" : "back"}`, "good");
  }
  const well = all.filter((node) => !ILL.includes(node.state)).length;
  document.getElementById("well").textContent = `${well} of ${all.length} well`;
  const key = JSON.stringify(all.map(({ name, state, message }) => [name, state, message]));
  if (nodes.dataset.key === key) return;
  nodes.dataset.key = key;
  nodes.replaceChildren(...all.map(({ name, state, message }) =>
    element("li", { "data-state": state }, element("span", { class: "dot" }), name, element("span", { class: "says" }, message))));
}

function showLink({ arm, sorter_here, nodes: all }) {
  const ill = all.filter((node) => ILL.includes(node.state)).map(isIll);
  const here = arm.here && sorter_here;
  setLink(here ? (ill.length ? "warn" : "live") : "away", here ? (ill.length ? "Partly away" : "Live") : "Robot away");
  const missing = ill.join(", ") || "nothing is heard of the arm or the sorter";
  if (here) warn(ill.length ? `Not all of the cell works: ${missing}.` : "");
  else warn(`The robot is away: ${missing}. Orders wait for it a while.`);
}

// Without seconds, which would have a screen reader speak every time they change.
function isIll({ name, state, message }) {
  if (state === "silent") return `${name} fell silent`;
  return state === "awaited" ? `${name} has not been heard of` : `${name}: ${message}`;
}

function setLink(state, text) {
  link.dataset.state = state;
  const place = document.getElementById("link-text");
  if (place.textContent !== text) place.textContent = text;
}

function warn(text) {
  banner.hidden = !text;
  if (banner.textContent !== text) banner.textContent = text;
}

function onOpen() {
  connected = true;
  tell(wasLost ? "Connected again" : "Connected", wasLost ? "good" : "");
}

function onLost() {
  setLink("lost", "Reconnecting");
  warn("The bridge does not answer. What you see may be out of date; the page comes back by itself.");
  if (connected) tell("Connection lost", "bad");
  wasLost ||= connected;
  connected = false;
}

function startTheme() {
  const root = document.documentElement;
  const stored = localStorage.getItem("theme");
  if (stored) root.dataset.theme = stored;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
}

startTheme();
if (await arrive()) {
  startCamera();
  live("/v1/events", { onMessage: onEvent, onOpen, onLost });
} else {
  setLink("away", "Signed out");
}
