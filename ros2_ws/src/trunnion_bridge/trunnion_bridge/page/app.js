// Joins the page to the bridge's events.

import { announce } from "./announce.js";
import { drawCell, showArm } from "./arm.js";
import { showDetections, startCamera, tellWhere } from "./camera.js";
import { showNodes, startChecks } from "./health.js";
import { onGap, onLost, onOpen, onSignedOut, showRobot } from "./link.js";
import { live } from "./live.js";
import { tell } from "./log.js";
import { showActive, startModels } from "./models.js";
import { buildForm } from "./order_form.js";
import { runningOrder, setOrder, setOrders, setTurn } from "./order_list.js";
import { setParts } from "./parts.js";
import { request } from "./problem.js";
import { startRobots } from "./robots.js";
import { arrive } from "./session.js";
import { startTheme } from "./theme.js";
import { hearTime } from "./when.js";

const LEVELS = { succeeded: "good", failed: "bad" };
let isFirst = true;
let heard = null; // the id of the last change of an order

function onEvent(text) {
  const { type, id, at, data } = JSON.parse(text);
  hearTime(at);
  heard = id ?? heard;
  if (type === "snapshot") onSnapshot(data);
  else if (type === "state") onState(data);
  else if (type === "order") onOrder(data, at);
}

function onSnapshot({ state, orders, gap }) {
  setOrders(orders);
  onCell(state);
  if (gap) onGap();
}

function onCell(state) {
  setParts(state.bundle.parts);
  buildForm(state.bundle);
  drawCell(state.bundle.layout);
  document.getElementById("bundle").textContent = `${state.bundle.name} ${state.bundle.version}`;
  onState(state);
}

function onState(state) {
  showDetections(state.detections);
  showArm(state.arm, runningOrder());
  showNodes(state.nodes);
  showActive(state.models);
  showRobot(state);
  tellWhere(state.bridge);
  setTurn(state.order, state.queued);
  document.getElementById("rate").textContent = state.camera.here ? `${state.camera.rate_hz.toFixed(1)} images/s` : "no images";
  const starts = state.arm.here && state.sorter_here;
  document.getElementById("idle").textContent = `Nothing to do. ${starts ? "An order starts as soon as it is placed."
    : "An order would wait until the robot is back."}`;
}

function onOrder(order, at) {
  const before = setOrder(order);
  if (before?.state === order.state) return; // how far it is, its row tells
  const words = `Order #${order.number} ${order.state}: ${order.message}`;
  // One heard of after a break has its own time.
  tell(words, LEVELS[order.state], new Date(order.ended_at ?? at));
  if (order.state !== "queued" && order.state !== "starting") announce(words);
}

// After a break, changes of orders go on where they were; the cell itself may be another.
async function onConnection() {
  onOpen();
  if (isFirst) startAsking();
  isFirst = false;
  if (heard !== null) await request("/v1/state").then(onCell, () => {}); // lost again: told already
}

// What is asked for again and again, once it is known who asks.
function startAsking() {
  startChecks();
  startRobots();
  startModels();
}

startTheme();
if (await arrive()) {
  startCamera();
  live(() => (heard === null ? "/v1/events" : `/v1/events?after=${heard}`), { onMessage: onEvent, onOpen: onConnection, onLost });
} else {
  onSignedOut();
}
