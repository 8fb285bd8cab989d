// The view of one claim: its proof graph, what is known of the selected node, and its failing nodes.

const STATES = {
  expanded: 'a step has been made from it',
  pending: 'a step has still to be made from it',
  covered: 'reaches the target',
  stuck: 'stuck: no rule applies, and the state does not imply the target',
  terminal: 'terminal: execution has ended, and the state does not imply the target',
  vacuous: 'no execution gets here',
  bounded: 'left at the loop bound',
  refuted: 'refuted: nothing gets to its branch',
  target: 'the target',
};

const REASONS = {
  stuck: 'No rule applies, and the state does not imply the target',
  terminal: 'Execution has ended, and the state does not imply the target',
  'not-equal': 'The two sides could not be shown equal',
  dependency: 'A claim that it depends on has not passed',
};

const LEGEND = [
  ['expanded', 'expanded'], ['pending', 'pending'], ['covered', 'reaches the target'], ['stuck', 'stuck or terminal: fails'],
  ['bounded', 'at the loop bound'], ['vacuous', 'vacuous'], ['refuted', 'refuted'], ['reused', 'step reused'],
];

const SAME_SHOWN = 3; // unchanged lines around a difference
const FAILURES_LISTED = 40;

const proofs = {
  unpacked: new Map(),
  current: null,

  async show(name, node) {
    const row = claims.row(name);
    const main = find('#proof');
    if (!row) {
      main.replaceChildren(el('p', {}, `${name}: not a claim of this run. `, el('a', { href: '#' }, 'All claims')));
      this.current = null;
      return;
    }
    if (this.current?.name === name && this.current.node === node) return;
    if (this.current?.name === name && this.current.view && node) {
      this.current.node = node;
      if (this.current.view.selected !== node) this.current.view.show(node);
      return;
    }
    const here = { name, node, view: null };
    this.current = here;
    main.replaceChildren(this.head(name, row), el('p', { class: 'note' }, 'Unpacking the proof…'));
    const data = await this.data(row.dataset.proof);
    if (this.current !== here) return;
    if (!data) {
      find('.note', main).replaceChildren('This proof is not in the page yet: it comes with one of the next refreshes, or with ', el('code', {}, 'kprover report'), '.');
      return;
    }
    find('.note', main).remove();
    main.append(...this.body(here, row, data));
    if (here.view) {
      here.view.draw();
      const failing = data.graph.failing.length ? data.graph.failing[0] : null;
      if (node || failing) here.view.show(node || failing);
      else here.view.select(1);
    }
  },

  async data(number) {
    if (!find(`#packed-${number}`).textContent) return null;
    if (!this.unpacked.has(number)) this.unpacked.set(number, await unpack(`packed-${number}`));
    return this.unpacked.get(number);
  },

  head(name, row) {
    const [before, after] = claims.neighbours(name);
    const to = (other, text) => (other ? el('a', { href: `#proof/${encodeURIComponent(other)}`, title: other }, text) : null);
    const reason = find('.why', row)?.textContent;
    const titles = findAll('#table thead button').map((button) => button.textContent);
    const facts = [...row.cells].slice(2).map((cell, i) => `${titles[i + 2]} ${cell.textContent}`).join(' · ');
    return el('div', {},
      el('div', { class: 'proof-head' }, el('h2', {}, name), find('.state', row).cloneNode(true),
        el('a', { href: '#claims' }, 'All claims'), to(before, 'Previous'), to(after, 'Next')),
      reason ? el('p', { class: 'reason' }, reason) : null,
      el('p', { class: 'run' }, facts));
  },

  body(here, row, data) {
    const parts = [];
    if (!data.graph) parts.push(el('p', { class: 'note' }, row.dataset.state === 'not-attempted' ? 'There is no proof yet.' : 'This proof has no graph.'));
    else parts.push(...this.graph(here, data));
    const unplaced = data.failures.filter((failure) => failure.node === null);
    const failure = el('div', { id: 'failure', 'aria-live': 'polite' }, unplaced.map((each) => this.failure(each)));
    parts.push(failure);
    if (row.dataset.state === 'failed' || row.dataset.state === 'error') {
      parts.push(el('p', { class: 'note' }, 'In the terminal: ', el('code', {}, `${find('#proof').dataset.look} ${shellQuoted(here.name)}`)));
    }
    return parts;
  },

  graph(here, data) {
    const model = new GraphModel(data.graph);
    const kept = `folding ${here.name}`;
    const folding = new Folding(model, memory.get(kept, null));
    const details = el('aside', { class: 'details', 'aria-label': 'The selected node', 'aria-live': 'polite' });
    const status = el('span', { class: 'empty', role: 'status' });
    const save = () => memory.set(kept, folding.kept());
    const view = new GraphView(model, folding, {
      onfold: save,
      onselect: (id) => {
        here.node = id;
        history.replaceState(null, '', `#proof/${encodeURIComponent(here.name)}?node=${id}`);
        details.replaceChildren(...this.details(model, id, data.failures.some((each) => each.node === id)));
        for (const button of findAll('.failing-list button')) button.setAttribute('aria-pressed', button.dataset.node === String(id));
        const failure = data.failures.find((each) => each.node === id);
        if (failure) find('#failure')?.replaceChildren(this.failure(failure));
        else if (data.failures.some((each) => each.node !== null)) find('#failure')?.replaceChildren();
      },
    });
    here.view = view;
    const redraw = (change) => () => {
      status.textContent = change() === false ? `unfolded up to ${MOST_UNFOLDED} nodes` : '';
      save();
      view.draw();
    };
    const number = el('input', { type: 'number', min: 1, max: model.size, size: 6, 'aria-label': 'Number of a node' });
    const goTo = el('form', {
      onsubmit: (event) => {
        event.preventDefault();
        const id = Number(number.value);
        if (Number.isInteger(id) && id >= 1 && id <= model.size && id !== 2 && model.state(id) === 'joined') {
          status.textContent = `node ${id} was given up when the edges beside it were joined`;
        } else if (Number.isInteger(id) && id >= 1 && id <= model.size && id !== 2) view.show(id);
        else status.textContent = `node ${number.value}: the graph has nodes 1 to ${model.size}, and 2 is the target`;
      },
    }, number, ' ', el('button', { type: 'submit' }, 'Go to node'));
    const failing = model.failing.length
      ? el('div', { class: 'failing-list', role: 'group', 'aria-label': 'Failing nodes' },
        el('b', {}, counted(model.failing.length, 'failing node')),
        model.failing.slice(0, FAILURES_LISTED).map((id) =>
          el('button', { type: 'button', 'data-node': id, 'aria-pressed': 'false', onclick: () => view.show(id) }, `${id} ${model.state(id)}`)),
        model.failing.length > FAILURES_LISTED ? el('span', { class: 'empty' }, `and ${model.failing.length - FAILURES_LISTED} more`) : null)
      : null;
    return [
      failing,
      el('div', { class: 'tools' },
        el('button', { type: 'button', onclick: redraw(() => folding.unfoldAll()) }, 'Unfold all'),
        el('button', { type: 'button', onclick: redraw(() => folding.foldAll()) }, 'Fold all'),
        el('button', { type: 'button', onclick: redraw(() => folding.begin()) }, 'Default view'),
        goTo, status),
      el('div', { class: 'two' },
        el('div', {}, view.element, el('ul', { class: 'legend' }, LEGEND.map(([state, text]) =>
          el('li', {}, el('i', { class: state === 'reused' ? 'reused' : `n-${state}` }), text)))),
        details),
    ].filter(Boolean);
  },

  details(model, id, explained) {
    const path = model.pathCondition(id);
    const rules = model.rulesOf(id);
    const seconds = model.seconds[id - 1];
    const row = (name, value) => (value === null || value === '' ? [] : [el('dt', {}, name), el('dd', {}, value)]);
    const step = seconds === null ? 'none' : `${model.reused[id - 1] ? 'reused, made in' : 'made in'} ${duration(seconds)} with ${counted(model.requests[id - 1], 'request')}`;
    return [
      el('h3', {}, `Node ${id}`),
      el('dl', {},
        row('state', STATES[model.state(id)] ?? model.state(id)),
        row('depth', `${counted(model.depth(id), 'rewrite step')} from the start`),
        row('reached', model.parent(id) ? `from node ${model.parent(id)}, ${model.edgeText(id)}` : 'it is the initial node'),
        row('its step', step),
        row('below it', model.below[id] ? `${counted(model.below[id], 'node')}, ${model.failingBelow[id]} failing, ${model.pendingBelow[id]} pending` : '')),
      ...(rules.length ? [el('h3', {}, 'Rules on the way here'), el('ul', { class: 'conditions' }, rules.map((rule) => el('li', {}, rule)))] : []),
      ...(model.isFailing.has(id) && explained ? [] : [el('h3', {}, 'Path condition'),
      path.length ? el('ol', { class: 'conditions' }, path.map((condition) => el('li', {}, condition))) : el('p', { class: 'empty' }, 'none: no branch lies before this node')]),
    ];
  },

  failure(failure) {
    const parts = [];
    const section = (title, content) => parts.push(el('div', {}, el('h3', {}, title), content));
    if (failure.explanation) section('What is missing', el('pre', {}, failure.explanation));
    if (failure.path.length) section('Path condition', el('ol', { class: 'conditions' }, failure.path.map((condition) => el('li', {}, condition))));
    else if (failure.node !== null) section('Path condition', el('p', { class: 'empty' }, 'none: no branch lies before this node'));
    if (failure.model) {
      const values = Object.entries(failure.model).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]);
      section('A state on this path, for example', el('dl', { class: 'facts model' }, values));
    }
    const title = failure.node === null ? '' : `Node ${failure.node}: `;
    const wide = failure.difference.length
      ? el('div', {}, el('h3', {}, 'The state and the target'), this.difference(failure.difference))
      : failure.configuration ? el('div', {}, el('h3', {}, 'The state'), el('pre', {}, failure.configuration)) : null;
    return el('section', { class: 'failure' },
      el('h2', {}, `${title}${REASONS[failure.reason] ?? failure.reason}`),
      el('div', { class: 'cols' }, el('div', {}, parts), wide));
  },

  difference(lines) {
    const classes = { '-': 'minus', '+': 'plus', '.': 'open', ' ': 'same' };
    const words = { '-': 'state: ', '+': 'target: ' };
    const box = el('div', { class: 'diff', role: 'region', 'aria-label': 'The state, - , and the target, +', tabindex: '0' });
    const near = lines.map(([mark]) => mark === '-' || mark === '+');
    const isShown = (at) => near.slice(Math.max(0, at - SAME_SHOWN), at + SAME_SHOWN + 1).some(Boolean);
    const line = ([mark, text]) => el('div', { class: classes[mark], title: mark === '.' ? 'left open by the target' : null },
      el('span', { class: 'mark', 'aria-hidden': 'true' }, mark === '.' ? ' ' : mark),
      words[mark] ? el('span', { class: 'hidden' }, words[mark]) : null, text);
    let at = 0;
    while (at < lines.length) {
      let end = at;
      while (end < lines.length && !isShown(end)) end += 1;
      if (end - at > 1) {
        const hidden = lines.slice(at, end);
        const button = el('button', { type: 'button', onclick: () => button.replaceWith(...hidden.map(line)) }, `show ${counted(hidden.length, 'line')} that are no difference`);
        box.append(button);
        at = end;
      } else {
        box.append(line(lines[at]));
        at += 1;
      }
    }
    return box;
  },
};
