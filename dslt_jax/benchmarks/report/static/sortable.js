// A table whose headings sort it.

// `columns` are {title, label, cell(row), value(row), text, head, t}; `value` makes it sortable, `text`
// sorts ascending at first, `head` is the class of its heading.
function sortable(caption, columns, { sort, descending = true } = {}) {
  let rows = [];
  let by = sort ?? null;
  let down = descending;
  const body = element("tbody");
  const heads = columns.map((column, i) => {
    const button = column.value
      ? element("button", {
        type: "button",
        onclick: () => {
          down = by === i ? !down : !column.text && column.higher !== false;
          by = i;
          show();
        },
      }, column.title)
      : column.title;
    return element("th", {
      scope: "col",
      title: column.label,
      class: column.head ?? (column.text ? "text" : null),
      "data-t": column.t,
    }, button);
  });
  const table = element(
    "table",
    {},
    element("caption", { class: "quiet" }, caption),
    element("thead", {}, element("tr", {}, heads)),
    body,
  );
  const show = () => {
    heads.forEach((head, i) =>
      head.setAttribute("aria-sort", i !== by ? "none" : down ? "descending" : "ascending")
    );
    const ordered = by === null ? rows : [...rows].sort((a, b) => {
      const [x, y] = [columns[by].value(a), columns[by].value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      return down ? -order : order;
    });
    body.replaceChildren(...ordered.map((row) => {
      const line = element(
        "tr",
        { "data-t": row.t },
        columns.map((column, i) =>
          element(i === 0 ? "th" : "td", {
            scope: i === 0 ? "row" : null,
            class: column.text ? "text" : null,
            "data-t": column.t,
            ...column.look?.(row),
          }, column.cell(row))
        ),
      );
      return line;
    }));
    markFocus();
  };
  const holder = element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    table,
  );
  holder.show = (next) => {
    rows = next;
    show();
  };
  return holder;
}
