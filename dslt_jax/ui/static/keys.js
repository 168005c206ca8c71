// The keyboard, where no field or button has it.

export function keys(...tables) {
  const acts = Object.assign({}, ...tables);
  document.addEventListener("keydown", (event) => {
    const { tagName, type } = event.target;
    const field = tagName === "SELECT" || tagName === "SUMMARY" || (tagName === "INPUT" && type !== "range");
    const pressed = [" ", "Enter"].includes(event.key) && ["BUTTON", "A"].includes(tagName);
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act || field || pressed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(event);
  });
}
