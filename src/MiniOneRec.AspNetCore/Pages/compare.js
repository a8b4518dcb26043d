// Two models side by side on one history.
import { api, clear, el, history, historyList, problem, say, search, titleOf } from './shared.js';

export async function compare(main) {
  let models;
  try {
    models = await api('GET', '/v1/models');
  } catch (error) {
    main.append(el('h2', {}, 'Compare two models'));
    throw error;
  }

  const loaded = models.models.map(model => model.name);
  const choice = (label, preferred) => {
    const id = 'model-' + label.toLowerCase();
    const select = el('select', { id, onchange: () => run() }, ...loaded.map(name => el('option', { selected: name === preferred }, name)));
    return { select, element: el('div', {}, el('label', { for: id }, label), select) };
  };
  const left = choice('Left', models.active);
  const right = choice('Right', loaded.find(name => name !== models.active) ?? models.active);
  const places = [el('section', { class: 'panel', 'aria-label': 'Left answer' }), el('section', { class: 'panel', 'aria-label': 'Right answer' })];
  const summary = el('p', { class: 'note' });
  const list = historyList(() => run());
  const available = models.available.filter(name => !loaded.includes(name));
  const load = el('select', { id: 'load' }, ...available.map(name => el('option', {}, name)));

  const run = async () => {
    if (history.items.length === 0) {
      summary.textContent = 'Add an item to compare answers.';
      places.forEach(clear);
      return;
    }
    try {
      const ask = model => api('POST', '/v1/recommend', { history: history.items.map(item => item.id), count: 10, model, scenario: 'ui' });
      const answers = await Promise.all([ask(left.select.value), ask(right.select.value)]);
      const both = answers[0].items.filter(item => answers[1].items.some(other => other.id === item.id)).length;
      answers.forEach((answer, side) => {
        const others = answers[1 - side].items.map(item => item.id);
        clear(places[side]).append(el('h3', {}, answer.model), el('ol', { class: 'items' }, ...answer.items.map((item, rank) => {
          const there = others.indexOf(item.id);
          const moved = there < 0 ? 'only here' : there === rank ? 'same place' : `place ${there + 1} there`;
          return el('li', {}, el('div', { class: 'line' },
            el('span', { class: there < 0 ? 'name only' : 'name' }, titleOf(item)), el('span', { class: 'figure' }, moved)));
        })));
      });
      summary.textContent = `${both} of 10 items are in both answers.`;
      say(summary.textContent);
      problem(null);
    } catch (error) {
      problem(error);
    }
  };

  main.append(el('h2', {}, 'Compare two models'), el('div', { class: 'columns' },
    el('section', { class: 'panel', 'aria-label': 'History' },
      search('Search items', item => { history.add(item); list.draw(); run(); }), el('h3', {}, 'History, oldest first'), list.element,
      available.length === 0 ? null : el('form', {
        onsubmit: async event => {
          event.preventDefault();
          try {
            await api('POST', '/v1/models', { action: 'load', model: load.value });
            clear(main);
            await compare(main);
          } catch (error) {
            problem(error);
          }
        },
      }, el('label', { for: 'load' }, 'Load another model'), el('div', { class: 'row' }, load, el('button', { type: 'submit' }, 'Load')))),
    el('div', {}, el('div', { class: 'row' }, left.element, right.element), summary, el('div', { class: 'halves' }, ...places))));
  await run();
}
