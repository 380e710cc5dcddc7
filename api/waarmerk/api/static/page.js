// SPDX-License-Identifier: Apache-2.0
// Without this the form works as a form. With it a file can be dropped, and the answer comes without leaving the page.
"use strict";
const form = document.querySelector("form.ask"), file = form.elements.file, result = document.getElementById("result");
const say = (text) => { result.replaceChildren(document.createTextNode(text)); result.focus(); };

async function ask() {
  const body = new FormData(form);
  say(form.dataset.busy);
  try {
    const answer = await fetch(form.action + "&as=fragment", { method: "POST", body });
    if (answer.redirected) { location.assign(answer.url); return; } // it takes longer: there is a page that says how far it is
    if (!(answer.headers.get("content-type") || "").startsWith("text/html")) throw new Error(answer.status);
    result.innerHTML = await answer.text(); // our own page, in which every text of a file is escaped
    result.focus();
  } catch { say(form.dataset.failed); }
}

form.addEventListener("submit", (event) => {
  if (event.submitter && event.submitter.hasAttribute("formaction")) return; // a dossier is a download: the browser does that
  event.preventDefault();
  ask();
});
for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, (event) => {
  event.preventDefault();
  form.classList.toggle("over", kind === "dragover");
  if (kind === "drop" && event.dataTransfer.files.length) { file.files = event.dataTransfer.files; ask(); }
});
