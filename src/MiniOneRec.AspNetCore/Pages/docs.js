"use strict";
const main = document.getElementById("routes");

function add(parent, tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  parent.append(element);
  return element;
}

// Writes a schema as an example-like outline; references are followed a few levels deep.
function outline(document_, schema, depth) {
  if (!schema) return null;
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return depth > 3 ? name : outline(document_, document_.components.schemas[name], depth);
  }
  const type = Array.isArray(schema.type) ? schema.type.filter(t => t !== "null").join(" | ") : schema.type;
  if (type === "array") return [outline(document_, schema.items, depth + 1)];
  if (schema.properties) {
    const result = {};
    for (const [name, property] of Object.entries(schema.properties)) result[name] = outline(document_, property, depth + 1);
    return result;
  }
  const choice = (schema.oneOf || schema.anyOf || []).find(s => s.type !== "null");
  return choice ? outline(document_, choice, depth) : type || "any";
}

function body(document_, content) {
  const [type, value] = Object.entries(content || {})[0] || [];
  return type ? `${type}\n${JSON.stringify(outline(document_, value.schema, 0), null, 2)}` : null;
}

fetch("openapi/v1.json").then(response => response.json()).then(document_ => {
  main.replaceChildren();
  for (const [path, operations] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const details = add(main, "details");
      const summary = add(details, "summary");
      add(summary, "span", method.toUpperCase(), "method");
      add(summary, "code", path);
      if (operation.summary) add(summary, "span", ` ${operation.summary}`);
      const sent = body(document_, operation.requestBody && operation.requestBody.content);
      if (sent) { add(details, "h2", "Body"); add(details, "pre", sent); }
      for (const [status, response] of Object.entries(operation.responses || {})) {
        if (status >= "300") continue;
        add(details, "h2", `Answer ${status}`);
        const answer = body(document_, response.content);
        if (answer) add(details, "pre", answer);
      }
      const errors = Object.keys(operation.responses || {}).filter(status => status >= "400");
      if (errors.length) add(details, "p", `Problems: ${errors.join(", ")}`);
    }
  }
}).catch(error => { main.textContent = `The document cannot be read: ${error.message}`; });
