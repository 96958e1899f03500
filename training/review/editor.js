// The dialog in which sentences are rewritten.

const $ = (id) => document.getElementById(id);

// Ask for other sentences than `texts` (lists by level); `levels` names the levels. Resolves to new
// lists, or to null if they are to stay.
export function ask(texts, levels) {
  const dialog = $("editor");
  if (dialog.open) return Promise.resolve(null);
  $("rows").replaceChildren();
  for (const [level, list] of Object.entries(texts)) for (const text of list) add(levels, level, text);
  if (!$("rows").children.length) add(levels, "simple_query", "");
  dialog.returnValue = "";
  dialog.showModal();
  $("rows").querySelector("input").select();
  $("more").onclick = () => add(levels, "simple_query", "").focus();
  $("cancel").onclick = () => dialog.close();
  dialog.firstElementChild.onsubmit = (event) => {
    event.preventDefault();
    dialog.close("keep");
  };
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "keep" ? written(levels) : null);
  });
}

function add(levels, level, text) {
  const select = document.createElement("select");
  select.ariaLabel = "level";
  for (const [value, name] of Object.entries(levels)) select.append(new Option(name, value));
  select.value = level;
  const input = Object.assign(document.createElement("input"), { value: text, maxLength: 1000, ariaLabel: "sentence" });
  const row = document.createElement("div");
  const away = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: "×",
    title: "remove",
    onclick: () => row.remove(),
  });
  row.append(select, input, away);
  $("rows").append(row);
  return input;
}

function written(levels) {
  const texts = Object.fromEntries(Object.keys(levels).map((level) => [level, []]));
  for (const row of $("rows").children) {
    const [select, input] = row.children;
    if (input.value.trim()) texts[select.value].push(input.value);
  }
  return texts;
}
