// The shell: views by the address's fragment, the key, the theme, and what the header says.
import { api, clear, el, say, setKey, problem } from './shared.js';
import { recommend } from './recommend.js';
import { compare } from './compare.js';
import { catalogue } from './catalogue.js';
import { item } from './item.js';
import { dashboard } from './dashboard.js';

const views = { recommend, compare, catalogue, item, dashboard };
const main = document.getElementById('main');
let leave = null;

async function show(moveFocus) {
  const name = location.hash.slice(1) || 'recommend';
  if (name === 'main') return;
  const view = views[name] ?? recommend;
  leave?.();
  leave = null;
  problem(null);
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === '#' + view.name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  clear(main);
  document.title = 'MiniOneRec: ' + document.querySelector('nav a[aria-current]').textContent;
  if (moveFocus) main.focus();
  try {
    leave = await view(main) ?? null;
  } catch (error) {
    problem(error);
  }
}

async function header() {
  try {
    const catalog = await api('GET', '/v1/catalog');
    document.getElementById('serving').textContent =
      `${catalog.model}: ${catalog.items.toLocaleString('en')} items, revision ${catalog.revision}`;
  } catch (error) {
    document.getElementById('serving').textContent = error.message;
  }
}

const theme = document.getElementById('theme');
function dark(on) {
  document.documentElement.dataset.theme = on ? 'dark' : 'light';
  theme.setAttribute('aria-pressed', String(on));
}
dark((sessionStorage.getItem('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark');
theme.addEventListener('click', () => {
  const on = theme.getAttribute('aria-pressed') !== 'true';
  sessionStorage.setItem('theme', on ? 'dark' : 'light');
  dark(on);
});

document.getElementById('key-form').addEventListener('submit', async event => {
  event.preventDefault();
  setKey(document.getElementById('key').value.trim());
  document.getElementById('access').open = false;
  say('The key is used from now on.');
  await header();
  await show(false);
});

addEventListener('hashchange', () => show(true));
await header();
await show(false);
