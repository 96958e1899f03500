// What the page shows: all of it follows from the state, which nothing here changes.

import { colour } from "./stage.js";

export const LEVELS = { concept: "concept", simple_query: "simple", complex_query: "complex" };
const STATES = {
  "": "not reviewed",
  open: "needs masks",
  accepted: "accepted",
  corrected: "corrected",
  rejected: "rejected",
};
export const FILTERS = {
  all: ["All", () => true],
  todo: ["To do", ({ review }) => review === "" || review === "open"],
  rejected: ["Rejected", ({ review }) => review === "rejected"],
};
export const TOOLS = {
  move: ["Move", "v", "Drag the picture; click an instance to choose it."],
  polygon: ["Polygon", "p", "Click corners; the first one or Enter ends."],
  brush: ["Brush", "b", "Paint."],
  flood: ["Flood", "w", "Click on a colour: it and what is like it around."],
  box: ["Box", "g", "Drag a box round a thing: it is cut out."],
};
export const HOWS = { add: ["Add", "s", "Adds to"], cut: ["Cut", "x", "Cuts from"], redraw: ["Redraw", "d", "Replaces"] };
export const SIZES = { brush: ["brush", "px", 60], flood: ["colours within", "", 120] };

const $ = (id) => document.getElementById(id);
const listed = new Map(); // id -> [row, its button]
let current = null;

function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// A row of buttons; `entries` are {name: [title, key, ...]}.
export function group(id, entries, press) {
  const buttons = Object.entries(entries).map(([name, [title, key]]) => {
    const button = make("button", { onclick: () => press(name) }, document.createTextNode(`${title} `));
    if (typeof key === "string") button.append(make("kbd", { textContent: key }));
    button.dataset.name = name;
    return button;
  });
  $(id).append(...buttons);
}

// `on` has what buttons do: open(id), choose(index), remove(index).
export function show(state, stage, on) {
  const { rows, chosen } = state;
  const done = rows.filter((row) => !FILTERS.todo[1](row)).length;
  $("progress").max = rows.length || 1;
  $("progress").value = done;
  $("count").textContent = `${done} of ${rows.length} reviewed`;
  $("undo").disabled = !state.undo;
  $("redo").disabled = !state.redo;
  press("filters", state.filter, (name) => `${FILTERS[name][0]} ${rows.filter(FILTERS[name][1]).length}`);
  press("tools", stage.tool);
  press("hows", state.how);
  $("hows").hidden = chosen === null;
  const effect = chosen === null ? "Draws a new instance." : `${HOWS[state.how][2]} instance ${chosen + 1}.`;
  $("effect").textContent = `${TOOLS[stage.tool][2]} ${stage.tool === "move" ? "" : effect}`;
  stage.stage.classList.toggle("cutting", chosen !== null && state.how === "cut");
  showSize(stage);
  showList(state, on);
  if (!state.sample) return;
  showWords(state.sample);
  showInstances(state, on);
  stage.show(state.sample, chosen);
}

function press(group, pressed, title) {
  for (const button of $(group).children) {
    button.setAttribute("aria-pressed", button.dataset.name === pressed);
    if (title) button.firstChild.textContent = title(button.dataset.name);
  }
}

function showSize(stage) {
  const kind = stage.tool;
  $("size").hidden = !(kind in SIZES);
  if (!(kind in SIZES)) return;
  const [title, unit, most] = SIZES[kind];
  $("size").firstElementChild.textContent = `${title} ${stage.size[kind]} ${unit}`;
  Object.assign($("size").lastElementChild, { max: most, value: stage.size[kind] });
}

// There may be thousands: only what changed is made anew.
function showList(state, on) {
  const buttons = state.rows.filter(FILTERS[state.filter][1]).map((row) => {
    const [old, known] = listed.get(row.id) || [];
    if (old === row) return known;
    const count = `${row.instances || "no"} mask${row.instances === 1 ? "" : "s"}`;
    const button = make(
      "button",
      { onclick: () => on.open(row.id) },
      make("i", { className: row.review, title: STATES[row.review] }),
      make("b", { textContent: row.text || "no sentence" }),
      make("small", { textContent: [LEVELS[row.level], count].filter(Boolean).join(" · ") }),
      make("small", { className: "file" }, make("bdi", { textContent: row.file.split("/").pop() }))
    );
    listed.set(row.id, [row, button]);
    return button;
  });
  fill($("list"), buttons.length ? buttons : [make("p", { textContent: "None." })]);
  current?.removeAttribute("aria-current");
  current = listed.get(state.sample?.id)?.[1];
  current?.setAttribute("aria-current", "true");
  if (current?.isConnected) current.scrollIntoView({ block: "nearest" });
}

// Give `parent` these children, leaving alone those that are where they should be.
function fill(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

function showWords(sample) {
  $("level").textContent = (LEVELS[sample.level] || "") + (sample.single ? ", one certain thing" : "");
  $("level").hidden = !sample.level;
  $("text").textContent = sample.text || "no sentence";
  $("text").classList.toggle("none", !sample.text);
  $("review").textContent = STATES[sample.review];
  $("review").className = `tag ${sample.review}`;
  const others = Object.entries(sample.texts).flatMap(([list, texts]) => texts.map((text) => [list, text, ""]));
  const not = Object.entries(sample.negative).flatMap(([list, texts]) => texts.map((text) => [list, text, "not"]));
  $("others").replaceChildren(
    ...[...others.filter(([list, text]) => list !== sample.level || text !== sample.text), ...not].map(
      ([list, text, className]) => make("q", { textContent: text, className, title: `${LEVELS[list]}${className && ", nothing here"}` })
    )
  );
  $("file").textContent = sample.file;
  $("fault").textContent = sample.fault;
  $("fault").hidden = !sample.fault;
}

function showInstances(state, on) {
  const items = state.sample.shapes.map(({ area }, index) => {
    const choice = make(
      "button",
      { onclick: () => on.choose(index) },
      make("i"),
      `Instance ${index + 1}`,
      make("small", { textContent: `${area} px` })
    );
    choice.setAttribute("aria-pressed", index === state.chosen);
    choice.firstChild.style.setProperty("--c", colour(index));
    const away = make("button", { textContent: "×", title: "delete", onclick: () => on.remove(index) });
    return make("li", {}, choice, away);
  });
  const none = make("li", { className: "none", textContent: "None: nothing is masked." });
  $("instances").replaceChildren(...(items.length ? items : [none]));
}
