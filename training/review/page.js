// The samples, one after the other: what is shown, what the keys do, and what the server is told.

import { ask } from "./editor.js";
import { listen } from "./keys.js";
import { get, post } from "./server.js";
import { FILTERS, HOWS, LEVELS, SIZES, TOOLS, group, show } from "./show.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
const state = { rows: [], filter: "all", sample: null, chosen: null, how: "add", undo: "", redo: "" };
const stage = new Stage(drawn, choose);

// One thing at a time, in order, so that quick keys never meet a sample that is on its way.
let queue = Promise.resolve();
let waiting = 0;
function run(task) {
  waiting += 1;
  queue = queue.then(task).catch(failed).finally(() => (waiting -= 1));
  return queue;
}

function say(text, bad = false) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", bad);
}

function failed(error) {
  if (error.reply?.sample) {
    take(error.reply);
    say(`${capital(error.message)}: this is how it is now. Yours was not done.`, true);
  } else say(capital(error.message), true);
  return false;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const render = () =>
  show(state, stage, {
    open: (id) => run(() => open(id)),
    choose,
    remove: (index) => run(() => remove(index)),
  });

// What the server said of a sample, and of what can be undone.
function take(reply) {
  Object.assign(state, { undo: reply.undo, redo: reply.redo });
  if (reply.sample) {
    const index = state.rows.findIndex(({ id }) => id === reply.sample.id);
    if (index >= 0) state.rows[index] = reply.sample;
    const other = state.sample?.id !== reply.sample.id;
    state.sample = reply.sample;
    if (other || state.chosen >= reply.sample.shapes.length) state.chosen = null;
  }
  render();
  if (reply.notice) say(reply.notice, true);
}

async function load() {
  const reply = await get("list");
  state.rows = reply.rows;
  $("name").textContent = document.title = `Review of ${reply.name}`;
  render();
  const wanted = location.hash.slice(1) || state.rows.find(FILTERS.todo[1])?.id;
  const row = state.rows.find(({ id }) => id === wanted) || state.rows[0];
  if (row) await open(row.id);
}

// What another window may have done meanwhile.
async function refresh() {
  if (!state.sample) return;
  state.rows = (await get("list")).rows;
  take(await get(`sample/${state.sample.id}`));
}

// Whether a polygon is under way, which going on would lose.
function drafting() {
  if (stage.drafting) say("Finish the polygon with Enter, or drop it with Esc, first.");
  return stage.drafting;
}

async function open(id) {
  if (drafting()) return;
  take(await get(`sample/${id}`));
  history.replaceState(null, "", `#${id}`);
  say("");
  const next = neighbour(1);
  if (next) new Image().src = `picture/${next}`;
}

// `version`: the one that the person decided on.
async function act(action, version = state.sample.version) {
  const { id } = state.sample;
  take(await post("act", { id, version, action }));
  return true;
}

// A verdict, then on to the next sample that is shown.
async function settle(action) {
  if (drafting()) return;
  const next = neighbour(1);
  await act(action);
  const left = state.rows.find(FILTERS.todo[1]);
  if (next !== null) await open(next);
  else if (left) await open(left.id);
  else say("All are reviewed.");
}

// A key held down says nothing of the samples that come next.
const verdict = (name) => (_, held) => !held && settle({ do: name });

// The id of the sample that is shown before or after this one; null if there is none.
function neighbour(step) {
  const shown = state.rows.filter((row) => row.id === state.sample.id || FILTERS[state.filter][1](row));
  const next = shown[shown.findIndex(({ id }) => id === state.sample.id) + step];
  return next ? next.id : null;
}

async function go(step) {
  const next = neighbour(step);
  if (next !== null) await open(next);
  else say(step > 0 ? "That was the last." : "That is the first.");
}

async function turn(way) {
  if (way === "undo" && stage.drafting) return stage.back();
  if (drafting()) return;
  const reply = await post(way);
  if (!reply.sample) return say(`There is nothing to ${way}.`);
  const what = reply[way === "undo" ? "redo" : "undo"];
  take(reply);
  history.replaceState(null, "", `#${reply.sample.id}`);
  say(`${way === "undo" ? "Taken back" : "Done again"}: ${what}.`);
}

function drawn(shape) {
  const { id } = state.sample;
  return run(() => {
    if (state.sample.id !== id) return false; // another sample came in between
    const fresh = state.chosen === null;
    const instance = fresh ? state.sample.shapes.length : state.chosen;
    return act({ do: "draw", shape, how: fresh ? "new" : state.how, instance }).then(() => {
      state.chosen = instance;
      if (state.how === "redraw") state.how = "add";
      render();
      say("");
      return true;
    });
  });
}

function choose(index) {
  state.chosen = index === state.chosen ? null : index;
  render();
}

function remove(index) {
  if (index === null) return say("Choose an instance first: click it, or press its number.");
  return act({ do: "delete", instance: index }).then(() => choose(state.chosen));
}

function how(name) {
  if (state.chosen === null) return say("Choose an instance first: click it, or press its number.");
  state.how = state.how === name ? "add" : name;
  if (stage.tool === "move") stage.use("polygon");
  render();
}

function tool(name) {
  stage.use(name);
  render();
}

function resize(step) {
  const kind = stage.tool in SIZES ? stage.tool : "brush";
  const [, , most] = SIZES[kind];
  const grown = Math.round(stage.size[kind] * (step > 0 ? 1.25 : 0.8)) + step;
  stage.size[kind] = Math.min(Math.max(grown, 1), most);
  stage.redraft();
  render();
}

function nextFilter() {
  const names = Object.keys(FILTERS);
  return filter(names[(names.indexOf(state.filter) + 1) % names.length]);
}

function filter(name) {
  state.filter = name;
  render();
  const row = state.rows.find(FILTERS[name][1]);
  if (row && !FILTERS[name][1](state.sample)) return open(row.id);
}

async function edit() {
  const { id, texts, version } = state.sample;
  const rewritten = await ask(texts, LEVELS);
  stage.stage.focus();
  // The queue went on while the sentences were being written.
  if (rewritten && state.sample.id === id) await run(() => act({ do: "texts", texts: rewritten }, version));
}

group("filters", FILTERS, (name) => run(() => filter(name)));
group("tools", TOOLS, (name) => run(() => tool(name)));
group("hows", HOWS, (name) => run(() => how(name)));
listen(
  [
    ["a", "", verdict("accept")],
    ["r", "", verdict("reject")],
    ["n", "", verdict("nothing")],
    ["j", "next", () => go(1), "ArrowDown"],
    ["k", "previous", () => go(-1), "ArrowUp"],
    ["t", "all, to do, rejected", nextFilter],
    ["z", "", () => turn("undo")],
    ["y", "", () => turn("redo")],
    ["e", "", () => void edit()],
    ...Object.entries(TOOLS).map(([name, [, letter]]) => [letter, "", () => tool(name)]),
    ["0", "choose none: draw a new one", () => choose(state.chosen)],
    ["1-9", "choose an instance", (digit) => digit <= state.sample.shapes.length && choose(digit - 1)],
    ...Object.entries(HOWS).map(([name, [, letter]]) => [letter, "", () => how(name)]),
    ["Enter", "finish the polygon", () => void stage.finish()],
    ["Bksp", "its last corner; delete instance", () => (stage.drafting ? stage.back() : remove(state.chosen)), "Backspace", "Delete"],
    ["Esc", "drop the polygon; choose none", () => (stage.drafting ? stage.drop() : choose(state.chosen)), "Escape"],
    ["[", "smaller brush", () => resize(-1)],
    ["]", "larger brush", () => resize(1)],
    ["m", "masks on, off", () => void $("overlay").classList.toggle("bare")],
    ["+", "zoom in; also the wheel", () => stage.zoom(1.25), "="],
    ["-", "zoom out", () => stage.zoom(0.8)],
    ["f", "fit", () => stage.fit()],
  ],
  (task) => state.sample && !$("editor").open && run(task)
);

for (const name of ["accept", "reject", "nothing"]) {
  $(name).onclick = () => run(() => settle({ do: name }));
}
for (const way of ["undo", "redo"]) $(way).onclick = () => run(() => turn(way));
$("edit").onclick = () => run(() => void edit());
$("size").oninput = ({ target }) => {
  stage.size[stage.tool] = Number(target.value);
  render();
};
addEventListener("focus", () => run(refresh));
addEventListener("beforeunload", (event) => {
  if (waiting || stage.drafting || $("editor").open) event.preventDefault();
});
stage.use("move");
run(load);
