// Which part of the page is shown, by its address; and loading it again while the run goes on.

const route = {
  scroll: 0,

  start() {
    addEventListener('hashchange', () => this.follow());
    this.follow();
  },

  follow() {
    const match = /^#proof\/([^?]*)(?:\?node=(\d+))?$/.exec(location.hash);
    const [overview, proof] = [find('#overview'), find('#proof')];
    const wasProof = !proof.hidden;
    if (match && !wasProof) this.scroll = scrollY;
    overview.hidden = Boolean(match);
    find('nav').hidden = Boolean(match);
    proof.hidden = !match;
    if (match) {
      const name = this.decoded(match[1]);
      const fresh = proofs.current?.name !== name;
      proofs.show(name, match[2] ? Number(match[2]) : null);
      if (fresh) scrollTo(0, 0);
      if (fresh && !refresh.restored) proof.focus({ preventScroll: true });
    } else {
      proofs.current = null;
      proof.replaceChildren();
      if (wasProof && (location.hash === '' || location.hash === '#' || location.hash === '#claims')) scrollTo(0, this.scroll);
      else if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
    }
  },

  decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  },
};

const STALE_SECONDS = 60;

const refresh = {
  restored: false,
  touched: 0,

  start() {
    this.restore();
    if (document.body.dataset.running !== 'yes') return;
    this.paused = memory.get('paused', false);
    const button = find('#pause');
    button.setAttribute('aria-pressed', this.paused);
    button.addEventListener('click', () => {
      this.paused = !this.paused;
      memory.set('paused', this.paused);
      button.setAttribute('aria-pressed', this.paused);
    });
    for (const name of ['keydown', 'pointerdown', 'wheel', 'touchmove']) addEventListener(name, () => { this.touched = Date.now(); }, { passive: true });
    const seconds = Number(document.body.dataset.refresh);
    const loaded = Date.now();
    setInterval(() => {
      const age = (Date.now() - Number(document.body.dataset.written)) / 1000;
      if (age > STALE_SECONDS) find('#freshness').textContent = `not written for ${duration(age)}: the run was killed, or its machine sleeps`;
      if (this.paused || document.hidden || getSelection()?.type === 'Range') return;
      if (Date.now() - loaded < 1000 * seconds || Date.now() - this.touched < 2000) return;
      this.save();
      location.reload();
    }, 500);
  },

  save() {
    const graph = find('.graph');
    memory.set('position', {
      x: scrollX, y: scrollY, hash: location.hash, focus: document.activeElement?.id || null,
      graph: graph ? [graph.scrollLeft, graph.scrollTop] : null,
    });
  },

  restore() {
    const position = memory.get('position', null);
    memory.set('position', null);
    if (!position || position.hash !== location.hash) return;
    this.restored = true;
    history.scrollRestoration = 'manual';
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
      scrollTo(position.x, position.y);
      if (position.focus) document.getElementById(position.focus)?.focus({ preventScroll: true });
      const graph = find('.graph');
      if (graph && position.graph) graph.scrollTo(...position.graph);
      this.restored = false;
    }, 60)));
  },
};

claims.start();
refresh.start();
route.start();
plots.start();
document.body.dataset.ready = 'yes';
