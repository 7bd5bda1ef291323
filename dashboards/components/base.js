// Shared by the components below. Text reaches the page through textContent alone, never as markup.
function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

