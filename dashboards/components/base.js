// Shared by the components below. Text reaches the page through textContent alone, never as markup.
function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Text that may break after the punctuation of hosts, paths and identifiers.
function breakable(className, text) {
  const node = element("span", className);
  const parts = text.length > 400 ? [text] : text.split(/(?<=[./_:@|,=&?-])/);
  parts.forEach((part, index) => { if (index) node.append(document.createElement("wbr")); node.append(part); });
  return node;
}

