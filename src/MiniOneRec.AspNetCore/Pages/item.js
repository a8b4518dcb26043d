// A new item by form: its semantic ID and its neighbours.
import { api, clear, el, problem, say, shares, titleOf } from './shared.js';

export async function item(main) {
  const field = (id, label, attributes = {}, name = 'input') => {
    const input = el(name, { id, ...attributes });
    return { input, element: el('div', {}, el('label', { for: id }, label), input) };
  };
  const id = field('item-id', 'Id', { required: true });
  const title = field('item-title', 'Title', { required: true });
  const description = field('item-description', 'Description', { rows: 4 }, 'textarea');
  const brand = field('item-brand', 'Brand');
  const categories = field('item-categories', 'Categories, from the general to the special, separated by ›');
  const price = field('item-price', 'Price', { type: 'number', step: 'any' });
  const result = el('section', { class: 'panel', 'aria-label': 'Result' }, el('p', { class: 'none' }, 'The semantic ID and the neighbours of the item will stand here.'));

  const add = async event => {
    event.preventDefault();
    try {
      const answer = await api('PUT', '/v1/items/' + encodeURIComponent(id.input.value.trim()), {
        title: title.input.value, description: description.input.value || undefined, brand: brand.input.value || undefined,
        categories: categories.input.value ? categories.input.value.split('›').map(part => part.trim()).filter(Boolean) : undefined,
        attributes: price.input.value ? { price: Number(price.input.value) } : undefined,
      });
      const near = await api('POST', '/v1/similar', { itemId: answer.id, count: 10 });
      problem(null);
      clear(result).append(el('h3', {}, titleOf(answer)),
        el('p', {}, 'Semantic ID ', el('code', {}, answer.semanticId ?? 'none')),
        el('p', { class: 'note' }, `Can be recommended from catalogue revision ${answer.catalogRevision} on.`),
        el('h3', {}, 'Neighbours'),
        el('ol', { class: 'items' }, ...near.items.map(other => el('li', {}, el('div', { class: 'line' },
          el('span', { class: 'name' }, titleOf(other)), el('span', { class: 'code' }, other.semanticId),
          el('span', { class: 'figure' }, shares(other.sharedCodes)))))));
      say(`${titleOf(answer)} has the semantic ID ${answer.semanticId}.`);
    } catch (error) {
      problem(error);
    }
  };

  main.append(el('h2', {}, 'New item'), el('div', { class: 'halves' },
    el('form', { class: 'panel', onsubmit: add }, id.element, title.element, description.element, brand.element, categories.element, price.element,
      el('p', {}, el('button', { type: 'submit', class: 'main' }, 'Add the item'))),
    result));
}
