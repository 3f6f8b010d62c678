
// Without this everything is there all the same; with it, less can be shown.
const box = document.getElementById("filter");
box.hidden = false;
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    let shown = 0;
    for (const figure of section.querySelectorAll("[data-key]")) {
      figure.hidden = !words.every((word) => figure.dataset.key.includes(word));
      shown += figure.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
    for (const more of section.querySelectorAll(".more")) more.open = words.length > 0;
  }
});
