(function () {
  "use strict";
  var root = document.documentElement;
  var kept = null;
  try { kept = localStorage.getItem("theme"); } catch (e) { /* a page from a file may keep nothing */ }
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  var button = document.createElement("button");
  button.type = "button";
  button.className = "theme";
  function isDark() {
    var theme = root.dataset.theme;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function tell() { button.textContent = isDark() ? "Light page" : "Dark page"; }
  button.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch (e) { /* as above */ }
    tell();
  });
  tell();
  document.querySelector("header").appendChild(button);
})();
