// What all views use: requests, elements, the history that is being composed.

let key = sessionStorage.getItem('key') ?? '';

export function setKey(value) {
  key = value;
  if (value) sessionStorage.setItem('key', value);
  else sessionStorage.removeItem('key');
}

/** Calls the server; an error carries what Problem Details say. */
export async function api(method, path, body) {
  const headers = { Accept: 'application/json' };
  if (key) headers['X-API-Key'] = key;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  // Paths begin at the page's own folder, so that the server may lie below a prefix.
  const response = await fetch('.' + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.status === 204) return null;
  const text = await response.text();
  let value = null;
  try { value = JSON.parse(text); } catch { /* not JSON */ }
  if (!response.ok) {
    const error = new Error(value?.detail ?? `The server answered ${response.status}.`);
    error.status = response.status;
    throw error;
  }
  return value ?? text;
}

/** Makes an element: attributes, listeners under "on…", children. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith('on')) element.addEventListener(attribute.slice(2), value);
    else if (value === true) element.setAttribute(attribute, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(attribute, value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

export function clear(element) {
  element.replaceChildren();
  return element;
}

/** Tells people who listen what changed. */
export function say(text) {
  document.getElementById('announce').textContent = text;
}

export function problem(error) {
  const place = document.getElementById('problem');
  place.textContent = error === null ? ''
    : error.status === 401 || error.status === 403 ? `${error.message} Set an API key above.` : error.message;
}

export const percent = (value, digits = 1) => `${(100 * value).toFixed(digits)} %`;
export const whole = value => value.toLocaleString('en');
export const titleOf = item => item.title || item.id;

/** A bar with the share in words for those who do not see it. */
export function bar(share) {
  const inner = el('i');
  inner.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return el('span', { class: 'bar', role: 'img', 'aria-label': percent(share) }, inner);
}

/** Splits <a_1><b_2> into its codes. */
export const codesOf = semanticId => semanticId?.match(/<[^>]+>/g) ?? [];

/** How many codes from the first two semantic IDs share. */
export function sharedCodes(a, b) {
  const [first, second] = [codesOf(a), codesOf(b)];
  let count = 0;
  while (count < first.length && first[count] === second[count]) count++;
  return count;
}

/** Says how many codes are shared. */
export const shares = count => `${count} ${count === 1 ? 'code' : 'codes'} shared`;

/** The history that views compose; oldest first. */
export const history = {
  items: JSON.parse(sessionStorage.getItem('history') ?? '[]'),
  excluded: [],
  save() { sessionStorage.setItem('history', JSON.stringify(this.items)); },
  add(item) { this.items.push(item); this.save(); say(`Added ${titleOf(item)}.`); },
  remove(at) { const [item] = this.items.splice(at, 1); this.save(); say(`Removed ${titleOf(item)}.`); },
};

/** A search box over titles, with what was found as buttons. */
export function search(label, choose) {
  const id = 'search-' + label.replace(/\W+/g, '-').toLowerCase();
  const found = el('ul', { class: 'plain found', 'aria-label': 'Items found' });
  let asked = 0;
  const input = el('input', {
    id, type: 'search', autocomplete: 'off', placeholder: 'Part of a title or id',
    oninput: async () => {
      const number = ++asked, query = input.value.trim();
      if (query.length === 0) { clear(found); return; }
      try {
        const answer = await api('GET', `/v1/items?q=${encodeURIComponent(query)}&count=8`);
        if (number !== asked) return;
        clear(found).append(...answer.items.map(item => el('li', { class: 'line' },
          el('span', { class: 'name' }, titleOf(item)),
          el('button', { type: 'button', class: 'small', 'aria-label': `Add ${titleOf(item)}`, onclick: () => choose(item) }, 'Add'))));
        if (answer.items.length === 0) found.append(el('li', { class: 'none' }, 'No item matches.'));
        say(`${answer.items.length} items found.`);
      } catch (error) {
        problem(error);
      }
    },
  });
  return el('div', {}, el('label', { for: id }, label), input, found);
}

/** The list of the history with its buttons. */
export function historyList(changed) {
  const list = el('ol', { class: 'items', 'aria-label': 'History, oldest first' });
  const draw = () => {
    clear(list).append(...history.items.map((item, at) => el('li', {},
      el('div', { class: 'line' },
        el('span', { class: 'name' }, titleOf(item)),
        el('button', {
          type: 'button', class: 'small', 'aria-label': `Remove ${titleOf(item)}`,
          onclick: () => { history.remove(at); draw(); changed(); },
        }, 'Remove')),
      el('span', { class: 'code' }, item.semanticId ?? ''))));
    if (history.items.length === 0) list.append(el('li', { class: 'none' }, 'Empty: search above and add items.'));
  };
  draw();
  return { element: list, draw };
}
