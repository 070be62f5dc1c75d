// The orders that the page knows, each as it was after its newest event.

import { request } from "./problem.js";

const KEPT = 500;
const PAGE = 20;
const ENDED = ["succeeded", "failed", "cancelled"];
const orders = new Map();
// By state (or "" for all): the number from which on every such order is known, and whether the bridge has older ones.
let known = new Map();

export const active = (order) => !ENDED.includes(order.state);
export const withTheSorter = (order) => ["starting", "running"].includes(order.state);
export const hasOlder = (state) => known.get(state)?.more ?? true;

export function forget() {
  orders.clear();
  known = new Map();
}

export function learn(order) {
  const before = orders.get(order.id);
  if (before && before.event > order.event) return before;
  orders.set(order.id, order);
  if (orders.size > KEPT) drop();
  return before;
}

export function learnNewest(newest) {
  newest.forEach(learn);
  const more = newest.length >= PAGE;
  known.set("", { from: more ? Math.min(...newest.map((order) => order.number)) : 0, more });
}

// Those that wait or run first, as they come; then those that ended, newest first.
export function inOrder(state) {
  const from = known.get(state)?.from ?? Infinity;
  const fitting = [...orders.values()].filter((order) => !state || order.state === state);
  return [
    ...fitting.filter(active).sort((a, b) => a.number - b.number),
    ...fitting.filter((order) => !active(order) && order.number >= from).sort((a, b) => b.number - a.number),
  ];
}

// Ask the bridge for the next older orders in `state`.
export async function learnOlder(state) {
  const from = known.get(state)?.from;
  const query = new URLSearchParams({ limit: PAGE, ...(state && { state }), ...(Number.isFinite(from) && { before: from }) });
  const page = await request(`/v1/orders?${query}`);
  page.orders.forEach(learn);
  known.set(state, { from: page.orders.at(-1)?.number ?? from ?? 0, more: page.next !== null });
}

function drop() {
  const oldest = [...orders.values()].filter((order) => !active(order)).sort((a, b) => a.number - b.number)[0];
  if (!oldest) return;
  orders.delete(oldest.id);
  for (const state of known.values()) {
    if (state.from <= oldest.number) Object.assign(state, { from: oldest.number + 1, more: true });
  }
}
