// The order that the robot works at, those that come next, and all others, of one state if the reader wants it so.

import { active, forget, hasOlder, inOrder, learn, learnNewest, learnOlder, withTheSorter } from "./order_book.js";
import { orderRow } from "./order_row.js";
import { element, inWords } from "./parts.js";

const SHOWN = 10;
const NEXT_SHOWN = 3;
const now = document.getElementById("now");
const next = document.getElementById("next");
const list = document.getElementById("orders");
const filter = document.getElementById("filter");
const older = document.getElementById("older");
const problem = document.getElementById("orders-problem");
const rows = new Map();
let shown = SHOWN;
let isReading = false;
let waiting = 0;
let waitsForRobot = null;

export function setOrders(newest) {
  forget();
  learnNewest(newest);
  draw();
  if (filter.value) more();
}

// The order as it was known before, or undefined.
export function setOrder(order) {
  const before = learn(order);
  draw();
  return before;
}

// The order whose turn it is may be older than those that the page knows.
export function setTurn(order, queued) {
  const key = order && `${order.id} ${order.event} ${order.cancelling}`;
  if (waiting === queued && waitsForRobot === key) return;
  [waiting, waitsForRobot] = [queued, key];
  if (order) learn(order);
  draw();
}

export const runningOrder = () => inOrder("running")[0];

filter.addEventListener("change", () => {
  shown = SHOWN;
  draw();
  if (inOrder(filter.value).length < shown) more();
});

older.addEventListener("click", async () => {
  const last = list.lastElementChild;
  shown += SHOWN;
  draw();
  if (inOrder(filter.value).length < shown) await more();
  // Where reading goes on; the button may be gone.
  last?.nextElementSibling?.querySelector("button").focus();
});

async function more() {
  const state = filter.value;
  if (!hasOlder(state)) return;
  problem.hidden = true;
  isReading = true;
  draw();
  try {
    await learnOlder(state);
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    isReading = false;
  }
  draw();
}

function draw() {
  const focused = [...rows.values()].find((row) => row.node.contains(document.activeElement));
  const focus = document.activeElement;
  const [current, ...queue] = inOrder("").filter(active);
  const isAtWork = current && (withTheSorter(current) || waitsForRobot?.startsWith(current.id));
  const fitting = inOrder(filter.value).filter((order) => !isAtWork || order !== current);
  const listed = fitting.slice(0, Math.max(shown, fitting.filter(active).length));

  for (const order of isAtWork ? [current, ...listed] : listed) rowOf(order).show(order);
  arrange(now, isAtWork ? [current] : []);
  arrange(list, listed);
  for (const [id, { node }] of rows) if (!node.isConnected) rows.delete(id);
  if (focused && document.activeElement !== focus) (focus.isConnected && !focus.hidden ? focus : focused.what).focus();

  drawNext(isAtWork ? queue : [], waiting - (current?.state === "queued"));
  document.getElementById("idle").hidden = Boolean(isAtWork);
  document.getElementById("no-orders").hidden = listed.length > 0;
  document.getElementById("no-orders").textContent = nothing(isAtWork);
  document.getElementById("waiting").textContent = waiting ? `${waiting} waiting` : "";
  older.hidden = fitting.length <= listed.length && !hasOlder(filter.value);
}

const nothing = (isAtWork) =>
  isReading ? "Reading …" : filter.value ? `No order is ${filter.value}.` : isAtWork ? "No other orders." : "No orders yet. The first one starts as soon as it is placed.";

function rowOf(order) {
  if (!rows.has(order.id)) rows.set(order.id, orderRow(order));
  return rows.get(order.id);
}

// Moves only what is not in its place yet.
function arrange(place, orders) {
  const wanted = orders.map((order) => rows.get(order.id).node);
  for (const node of [...place.children]) if (!wanted.includes(node)) node.remove();
  for (const [index, node] of wanted.entries()) {
    if (place.children[index] !== node) place.insertBefore(node, place.children[index] ?? null);
  }
}

function drawNext(queue, count) {
  const rest = Math.max(queue.length, count) - NEXT_SHOWN;
  const lines = queue.slice(0, NEXT_SHOWN).map((order) => `#${order.number} ${inWords(order.lines)} into ${order.bin}`);
  if (rest > 0) lines.push(`and ${rest} more`);
  if (!lines.length) lines.push("Nothing waits");
  if (next.dataset.key === lines.join("\n")) return;
  next.dataset.key = lines.join("\n");
  next.replaceChildren(...lines.map((line) => element("li", {}, line)));
}
