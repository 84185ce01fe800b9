// Show code with the names in the address, such as ?slug=my-app&package=my_app&user=jane.
const query = new URLSearchParams(location.search);

const questions = {
  "hypermodern-python": "slug",
  "my-app": "slug", // in the command that replaces the names
  hypermodern_python: "package",
  my_app: "package",
  yourname: "user",
};

function own(name) {
  const answer = query.get(questions[name]) ?? name;
  // The address can come from another person, so it must not be able to change a command.
  return /^\w[\w.-]*$/.test(answer) ? answer : name;
}

const names = new RegExp(Object.keys(questions).join("|"), "g");
for (const code of document.querySelectorAll("pre, code")) {
  const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    text.data = text.data.replace(names, own);
  }
}

const shown = Object.keys(questions).filter((name) => own(name) !== name).map(own);
if (shown.length) {
  // Other pages show the same names.
  for (const link of document.links) {
    if (link.origin === location.origin) link.search = location.search;
  }
  // A user in a command, such as docker run, can be a stranger.
  const note = document.createElement("p");
  note.textContent = `The address of this page has these names for its code: ${[...new Set(shown)].join(", ")}.`;
  document.querySelector("article").prepend(note);
}
