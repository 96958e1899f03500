// The keyboard: which key does what, and the list of them that the page shows.

// Commands are [key, help, task, other names of the key ...]; "1-9" stands for nine keys. Those whose
// key is on a button have no help. Tasks are given the digit, and whether the key is only still held
// down; they go through `run`.
export function listen(commands, run) {
  const tasks = new Map();
  const help = document.getElementById("keys");
  for (const [key, text, task, ...names] of commands) {
    for (const name of key === "1-9" ? "123456789" : [key, ...names]) tasks.set(name, task);
    if (!text) continue;
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    help.append(term, Object.assign(document.createElement("dd"), { textContent: text }));
  }
  document.addEventListener("keydown", (event) => {
    const name = named(event);
    const task = tasks.get(name);
    const { tagName } = event.target;
    if (!task) return;
    if (tagName === "BUTTON" && name === "Enter") return event.repeat && event.preventDefault();
    if (tagName === "INPUT" && name.startsWith("Arrow")) return;
    if (run(() => task(Number(name), event.repeat))) event.preventDefault();
  });
}

// The key; of those with Ctrl only undo and redo, the others are the browser's.
function named({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (altKey) return "";
  if (!ctrlKey && !metaKey) return name;
  if (name === "z") return shiftKey ? "y" : "z";
  return name === "y" ? "y" : "";
}
