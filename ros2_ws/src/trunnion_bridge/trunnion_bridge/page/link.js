// In one word and, where something is wrong, one sentence: whether bridge and robot are there. And that they are back.

import { announce } from "./announce.js";
import { illness, isIll } from "./health.js";
import { tell } from "./log.js";
import { clock, duration } from "./when.js";

const NOTICE_MS = 8000;
const pill = document.getElementById("link");
const word = document.getElementById("link-text");
const banner = document.getElementById("banner");
const notice = document.getElementById("notice");
let connected = false;
let lostAt = null;
let awaySince = null;
let wasPartly = false;
let hiding = 0;

export function onOpen() {
  connected = true;
  if (!lostAt) return tell("Connected");
  back(`Connected again, after ${since(lostAt)}`);
  lostAt = null;
}

export function onLost() {
  if (connected) tell("Connection lost", "bad");
  if (connected) lostAt = new Date();
  connected = false;
  set("lost", "Reconnecting");
  const when = lostAt ? ` since ${clock(lostAt)}` : "";
  warn(`The bridge does not answer${when}. What you see may be out of date; the page comes back by itself.`);
}

export const onSignedOut = () => set("away", "Signed out");

export function onGap() {
  const words = "Some changes of orders since the connection was lost cannot be told; the orders shown are as they are now";
  tell(words, "bad");
  show(`${words}.`);
}

// What the robot and its nodes are like, from a state of the cell.
export function showRobot({ arm, sorter_here: sorterHere, nodes, bridge }) {
  if (!bridge.leader) {
    set("away", "No leader");
    return warn("No bridge talks to the robot at the moment. Another one takes over by itself within seconds.");
  }
  const ill = nodes.filter(isIll);
  const here = arm.here && sorterHere;
  if (here && awaySince) back(`The robot is back, after ${since(awaySince)}`);
  else if (here && wasPartly && !ill.length) announce("All of the cell works again");
  // The page may have come later than that.
  awaySince = here ? null : awaySince || new Date(Date.now() - (arm.here ? 0 : arm.age_ms ?? 0));
  wasPartly = here && ill.length > 0;
  if (here) set(ill.length ? "warn" : "live", ill.length ? "Partly away" : "Live");
  else set("away", "Robot away");
  warn(here ? partly(ill) : away(ill, nodes));
}

const partly = (ill) => (ill.length ? `Not all of the cell works: ${ill.map(illness).join(", ")}.` : "");

function away(ill, nodes) {
  const all = ill.length > 1 && ill.length === nodes.length;
  const missing = all ? `nothing is heard of any of its ${nodes.length} nodes` : ill.map(illness).join(", ") || "nothing is heard of the arm or the sorter";
  return `The robot is away since ${clock(awaySince)}: ${missing}. Orders wait for it a while.`;
}

const since = (at) => duration(Math.round((Date.now() - at) / 1000));

function back(words) {
  tell(words, "good");
  show(`${words}.`);
}

function show(words) {
  announce(words);
  notice.textContent = words;
  notice.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (notice.hidden = true), NOTICE_MS);
}

function set(state, text) {
  pill.dataset.state = state;
  if (word.textContent === text) return;
  word.textContent = text;
  // Read in the row of tabs, when another one is in front.
  document.title = `${state === "live" ? "" : `${text} · `}Trunnion · sorting cell`;
}

function warn(text) {
  banner.hidden = !text;
  if (banner.textContent !== text) banner.textContent = text;
}
