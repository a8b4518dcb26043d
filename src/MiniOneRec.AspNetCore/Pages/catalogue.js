// The tree of semantic IDs, opened prefix by prefix.
import { api, clear, el, problem, say, shares, titleOf, whole } from './shared.js';

export async function catalogue(main) {
  const catalog = await api('GET', '/v1/catalog');
  const tree = el('ul', { class: 'tree', 'aria-label': 'Semantic IDs' });
  const detail = el('section', { class: 'panel', 'aria-label': 'Item' }, el('p', { class: 'none' }, 'Choose an item of the tree.'));

  const show = async id => {
    try {
      const [item, similar] = await Promise.all([
        api('GET', '/v1/items/' + encodeURIComponent(id)), api('POST', '/v1/similar', { itemId: id, count: 10 })]);
      clear(detail).append(el('h3', {}, titleOf(item)), el('p', { class: 'code' }, item.semanticId ?? 'no semantic ID'),
        item.description ? el('p', {}, item.description) : null,
        el('p', { class: 'note' }, [item.brand, ...(item.categories ?? [])].filter(Boolean).join(' › ')),
        el('h3', {}, 'Neighbours'), el('ol', { class: 'items' }, ...similar.items.map(near => el('li', {}, el('div', { class: 'line' },
          el('button', { type: 'button', class: 'name', onclick: () => show(near.id) }, titleOf(near)),
          el('span', { class: 'figure' }, shares(near.sharedCodes)))))));
      say(`${titleOf(item)}, ${similar.items.length} neighbours.`);
    } catch (error) {
      problem(error);
    }
  };

  const fill = async (place, prefix) => {
    const answer = await api('GET', '/v1/catalog/tree' + (prefix ? '?prefix=' + encodeURIComponent(prefix) : ''));
    clear(place).append(
      ...answer.children.map(child => {
        const inner = el('ul', { class: 'tree' });
        return el('li', {}, el('details', {
          ontoggle: async event => {
            if (event.currentTarget.open && inner.childElementCount === 0) {
              try { await fill(inner, (prefix ?? '') + child.code); } catch (error) { problem(error); }
            }
          },
        }, el('summary', {}, el('code', {}, child.code), ` ${whole(child.items)} ${child.items === 1 ? 'item' : 'items'}`,
          el('span', { class: 'note' }, ` e.g. ${child.example}`)), inner));
      }),
      ...answer.items.map(item => el('li', { class: 'leaf' },
        el('button', { type: 'button', class: 'small', onclick: () => show(item.id) }, titleOf(item)))));
  };

  main.append(el('h2', {}, 'Catalogue'),
    el('p', { class: 'note' }, `${whole(catalog.items)} items on ${whole(catalog.semanticIds)} semantic IDs of ${catalog.levelSizes.join(' × ')} codes; `
      + `${whole(catalog.added)} added and ${whole(catalog.removed)} removed since the model was made.`),
    el('div', { class: 'halves' }, el('section', { class: 'panel', 'aria-label': 'Tree' }, tree), detail));
  await fill(tree, null);
}
