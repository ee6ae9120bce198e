// Bars: lists of names, bars and numbers.

/**
 * Shows rows as bars.
 * @param list The list element.
 * @param rows Rows of `{name, share, number}`: a share of 1 is a full bar.
 */
export function showBars(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach(({ name, share, number }, index) => {
    let item = list.children[index];
    if (!item) {
      item = document.createElement("li");
      const [label, track, value] = ["span", "span", "span"].map((tag) => document.createElement(tag));
      track.className = "track";
      track.setAttribute("aria-hidden", "true");
      track.append(document.createElement("i"));
      value.className = "number";
      item.append(label, track, value);
      list.append(item);
    }
    item.children[0].textContent = name;
    item.children[1].firstChild.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
    item.children[2].textContent = number;
  });
}
