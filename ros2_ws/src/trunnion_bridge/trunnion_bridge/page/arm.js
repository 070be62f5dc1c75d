// The arm: where the gripper is, seen from above as the camera sees it (x up, y to the left), and how wide it is open.

const SVG = "http://www.w3.org/2000/svg";
const TRAIL = 60;
const MODES = { hold: "holding still", move: "moving straight", policy: "led by the policy" };
const plan = document.getElementById("plan");
const trail = [];
let openingMax = 0.08;
let gripper = null;
let line = null;

export function drawCell(layout) {
  openingMax = layout.limits.opening_max_m;
  plan.setAttribute("viewBox", frame(layout.limits));
  plan.replaceChildren(
    box("tray", layout.tray.center_base_m, layout.tray.size_m),
    ...Object.entries(layout.bins).flatMap(([name, bin]) => [
      box("bin", bin.center_base_m, bin.size_m, name),
      shape("text", { x: -bin.center_base_m[1], y: -bin.center_base_m[0] }, name),
    ]),
    (line = shape("polyline", { class: "trail" })),
    (gripper = shape("circle", { class: "gripper", r: 0.017, cx: 9, cy: 9 })),
  );
}

export function showArm(arm, order) {
  const position = arm.position_base_m;
  plan.dataset.here = arm.here;
  document.getElementById("mode").textContent = arm.here ? words(arm) : "away";
  for (const [index, axis] of ["x", "y", "z"].entries()) put(axis, position, () => millimetres(position[index]));
  put("opening", arm.gripper_opening_m, () => millimetres(arm.gripper_opening_m));
  document.getElementById("jaw").style.width = `${Math.min(100, ((arm.gripper_opening_m || 0) / openingMax) * 100)}%`;
  for (const bin of plan.querySelectorAll(".bin")) bin.classList.toggle("target", order?.bin === bin.dataset.name);
  if (position && gripper) moveTo(-position[1], -position[0]);
}

const millimetres = (metres) => String(Math.round(metres * 1000)).replace("-", "−");

// The workspace, which the gripper never leaves.
function frame({ workspace_low_base_m: low, workspace_high_base_m: high }) {
  return `${-high[1]} ${-high[0]} ${high[1] - low[1]} ${high[0] - low[0]}`;
}

function words(arm) {
  if (arm.hold_reason) return `holds: ${arm.hold_reason}`;
  return [MODES[arm.mode], arm.grasped ? "part in hand" : ""].filter(Boolean).join(", ") || "here";
}

function moveTo(x, y) {
  gripper.setAttribute("cx", x);
  gripper.setAttribute("cy", y);
  trail.push(`${x.toFixed(4)},${y.toFixed(4)}`);
  if (trail.length > TRAIL) trail.shift();
  line.setAttribute("points", trail.join(" "));
}

function put(id, value, text) {
  const place = document.getElementById(id);
  if (value === null) place.textContent = "–";
  else place.replaceChildren(text(), Object.assign(document.createElement("small"), { textContent: "mm" }));
}

function box(kind, [x, y], [deep, wide], name = "") {
  return shape("rect", { class: kind, x: -y - wide / 2, y: -x - deep / 2, width: wide, height: deep, rx: 0.012, "data-name": name });
}

function shape(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}
