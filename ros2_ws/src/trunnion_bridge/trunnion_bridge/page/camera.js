// The camera's picture, and over it the boxes of what the detector sees in that very picture.

import { colourOnPicture, counted, element, partIndex } from "./parts.js";
import { placeLabels } from "./labels.js";
import { live } from "./live.js";

const STALE_MS = 2000;
const SAME_MOMENT_NS = 500_000_000n;
const view = document.getElementById("view");
const picture = document.getElementById("picture");
const boxes = document.getElementById("boxes");
const veil = document.getElementById("veil");
const seen = document.getElementById("seen");
let detections = null;
let stampNs = 0n;
let lastMs = 0;
let drawing = false;
let elsewhere = "";

export function startCamera() {
  live(() => "/v1/camera", { binary: true, onMessage: show });
  setInterval(check, 500);
  new ResizeObserver(drawBoxes).observe(view);
}

export function showDetections(found) {
  detections = found;
  drawBoxes();
  const isFresh = found && found.age_ms < STALE_MS;
  tellSeen(isFresh ? found.items : [], isFresh ? "No parts in view" : "Nothing is heard of the detector");
}

// Of several bridges, the camera's images come to the one that leads.
export function tellWhere({ leads, leader }) {
  elsewhere = leads || !leader ? "" : `The camera is shown by the bridge that leads: ${leader.url || leader.name}`;
}

async function show(data) {
  lastMs = performance.now();
  if (drawing) return; // a page in the background falls behind; the newest picture will do
  drawing = true;
  try {
    const bitmap = await createImageBitmap(new Blob([data.slice(8)], { type: "image/jpeg" }));
    if (picture.width !== bitmap.width || picture.height !== bitmap.height) {
      [picture.width, picture.height] = [bitmap.width, bitmap.height];
      view.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
    }
    picture.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    stampNs = new DataView(data).getBigInt64(0);
    view.dataset.here = "true";
    drawBoxes();
  } finally {
    drawing = false;
  }
}

function check() {
  if (performance.now() - lastMs < STALE_MS) return;
  view.dataset.here = "false";
  const words = elsewhere || (lastMs ? "No images from the camera" : "Waiting for the camera");
  if (veil.textContent !== words) veil.firstElementChild.textContent = words;
  drawBoxes();
}

function drawBoxes() {
  const scale = devicePixelRatio || 1;
  const [width, height] = [view.clientWidth, view.clientHeight];
  [boxes.width, boxes.height] = [width * scale, height * scale];
  const context = boxes.getContext("2d");
  context.scale(scale, scale);
  if (view.dataset.here !== "true" || !detections || !ofThisMoment(detections.stamp_ns)) return;
  const zoom = width / picture.width;
  context.font = `600 ${width > 420 ? 13 : 11}px system-ui, sans-serif`;
  const tagHeight = width > 420 ? 20 : 17;
  const items = detections.items.map((item) => labelled(context, item, zoom, tagHeight));
  for (const { box, colour } of items) drawBox(context, box, colour);
  for (const [index, label] of placeLabels(items, [width, height]).entries()) {
    if (label) drawLabel(context, label.rect, items[index].texts[label.size], items[index].colour);
  }
}

// The box in the view, and its words: with the score where there is room.
function labelled(context, { label, score, box_px: box }, zoom, tagHeight) {
  const short = label.length > 12 ? `${label.slice(0, 10)}…` : label.slice(0, 4);
  const texts = [...(tagHeight > 17 ? [`${label} ${Math.round(score * 100)} %`] : []), label, short];
  const sizes = texts.map((text) => [context.measureText(text).width + 12, tagHeight]);
  return { box: box.map((value) => value * zoom), texts, sizes, colour: colourOnPicture(label) };
}

function ofThisMoment(otherNs) {
  const apart = stampNs - BigInt(otherNs);
  return apart < SAME_MOMENT_NS && -apart < SAME_MOMENT_NS;
}

function drawBox(context, [x1, y1, x2, y2], colour) {
  context.beginPath();
  context.roundRect(x1, y1, x2 - x1, y2 - y1, 5);
  // Dark under bright: seen on any background.
  for (const [style, width] of [["rgb(0 0 0 / 0.45)", 4], [colour, 2]]) {
    [context.strokeStyle, context.lineWidth] = [style, width];
    context.stroke();
  }
}

function drawLabel(context, [x1, y1, x2, y2], text, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x1, y1, x2 - x1, y2 - y1, 5);
  context.fill();
  context.fillStyle = "#14160f";
  context.textBaseline = "middle";
  context.fillText(text, x1 + 6, (y1 + y2) / 2 + 0.5);
}

function tellSeen(items, none) {
  const counts = new Map();
  for (const { label } of items) counts.set(label, (counts.get(label) || 0) + 1);
  const byPart = [...counts].sort(([a], [b]) => partIndex(a) - partIndex(b));
  const key = JSON.stringify([byPart, none]);
  if (seen.dataset.key === key) return;
  seen.dataset.key = key;
  const rows = byPart.map(([label, count]) =>
    element("li", { "data-part": partIndex(label) }, element("span", { class: "swatch" }), counted(count, label)));
  seen.replaceChildren(...(rows.length ? rows : [element("li", { class: "none" }, none)]));
  for (const place of document.querySelectorAll(".in-view")) {
    const count = counts.get(place.dataset.name) || 0;
    place.textContent = count ? `${count} in view` : "";
  }
}
