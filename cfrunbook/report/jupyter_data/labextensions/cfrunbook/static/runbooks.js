// What `cfrunbook notebooks` adds to JupyterLab: a card for each runbook in the Launcher, and a runbook that is opened
// shows its panel without a click. Plain script, no build step: JupyterLab takes a "federated" extension as an object
// with `init` and `get`, and shares its own packages by name.
// https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html
"use strict";

(() => {
  const CATEGORY = "Notebook"; // the one that comes first
  // Name, title on the card, what it says when pointed at. tests/report/test_jupyter.py holds this to the runbooks.
  const RUNBOOKS = [
    ["00_start_here", "Start here", "Put in whatever you have; get the verdict, stage by stage"],
    ["01_tls_name", "Wrong name", "The certificate is for another name than CloudFront asks for"],
    ["02_tls_protocol", "No protocol or cipher in common", "Protocols, cipher suites and curves: CloudFront's and the origin's"],
    ["03_certificate", "Certificate", "Expired, self-signed, or sent without its intermediate"],
    ["04_port", "Port", "Refused, dropped, or a firewall that lacks CloudFront's addresses"],
    ["05_dns", "DNS", "The origin's name does not resolve, everywhere or at one server"],
    ["06_edge_function", "Edge function", "CloudFront refuses what a function returned"],
    ["07_origin_response", "Origin's answer", "The load balancer, proxy or application made the error"],
    ["99_incident_report", "Incident report", "Everything about one incident on one page"],
  ];
  const TRAINING = [
    ["training/01_guided_incident", "Learn it", "A guided first incident: twenty minutes, from the page to a verified fix"],
    ["training/09_game_day", "Game day", "Incidents that you have not seen, a clock, and a grade"],
  ];
  const ICON = number =>
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" role="img">' +
    '<rect x="2" y="5" width="28" height="22" rx="3" fill="none" stroke="#8c4fff" stroke-width="2"/>' +
    '<text x="16" y="21.5" text-anchor="middle" font-family="sans-serif" font-size="13" font-weight="bold" ' +
    `fill="#8c4fff">${number}</text></svg>`;

  // A parameters cell that holds nothing but literals, and none that says what to fetch or run: safe to run unasked.
  const LITERAL = /^[a-z_]+: [a-z]+ = (""|\[\]|0|False)( +#[^\r\n]*)?$/;
  const GIVEN = /^(evidence|before|at|lab): str = "[^"\\\r\n]*"( +#[^\r\n]*)?$/;
  const OPENS =
    /^import cfrunbook as cf\n\nrunbook = cf\.open_runbook\("[0-9a-z_]+", namespace=globals\(\)\)( +#[^\r\n]*)?\nrunbook$/;

  // What the kernel has under the name of the runbook, as it says it.
  const TYPE = "type(globals().get('runbook')).__module__";
  const OURS = "'cfrunbook.runbook.steps'";
  const NONE = "'builtins'";

  const WIDGET = "application/vnd.jupyter.widget-view+json";

  let shared;

  async function take(name) {
    const versions = Object.values(shared[name]);
    return (await versions[0].get())();
  }

  function addCards(app, launcher) {
    [...RUNBOOKS, ...TRAINING].forEach(([name, label, caption], rank, { length }) => {
      const command = `cfrunbook:open-${name}`;
      const execute = () => app.commands.execute("docmanager:open", { path: `${name}.ipynb` });
      app.commands.addCommand(command, { label, caption, execute });
      const kernelIconUrl = `data:image/svg+xml,${encodeURIComponent(ICON(name.startsWith("training/") ? "?" : name.slice(0, 2)))}`;
      launcher.add({ command, category: CATEGORY, rank: rank - length, kernelIconUrl });
    });
  }

  // Run the two cells that open the runbook, once per kernel, and only if they are what was shipped. Where this kernel
  // has the runbook already (the page was closed, or loaded again, while the kernel went on), show its panel here too.
  async function openPanel({ content, context }, { NotebookActions }, { OutputArea }, hasDied = false) {
    await Promise.all([context.ready, content.revealed]);
    const cells = content.widgets.filter(cell => cell.model.type === "code").slice(0, 2);
    const [given, opening] = cells.map(cell => cell.model.sharedModel.getSource().trimEnd());
    if (!OPENS.test(opening ?? "")) return;
    const isPlain = given.split("\n").every(line => LITERAL.test(line) || GIVEN.test(line));
    const isFresh = content.widgets.every(cell => cell.model.type !== "code" || !cell.model.outputs.length);
    const { sessionContext } = context;
    await sessionContext.ready;
    const kernel = sessionContext.session?.kernel;
    if (!kernel) return;
    await kernel.info;
    while (kernel.connectionStatus !== "connected") {
      if (kernel.isDisposed || content.isDisposed) return;
      await new Promise(done => setTimeout(done, 20));
    }
    const asked = { code: "", silent: true, store_history: false, user_expressions: { runbook: TYPE } };
    const reply = await kernel.requestExecute(asked).done;
    const type = reply.content.user_expressions?.runbook?.data?.["text/plain"];
    if (type === OURS) {
      cells[1].model.clearExecution(); // what a file had there is not to be trusted
      cells[1].model.trusted = true;
      await OutputArea.execute("runbook", cells[1].outputArea, sessionContext);
    } else if (type === NONE && isPlain && (isFresh || hasDied)) {
      for (const cell of cells) await NotebookActions.runCells(content, [cell], sessionContext);
    } else {
      if (type === NONE) leaveWords(cells[1].outputArea.model);
      return;
    }
    // What a person wants to see is the panel: the code before it is folded, which a click undoes.
    for (const cell of cells) cell.inputHidden = true;
    content.activeCellIndex = content.widgets.indexOf(cells[1]);
    await content.scrollToCell(cells[1], "start");
  }

  // A widget in a file is gone with its kernel, and JupyterLab says for ever that it is loading: leave what stands for it.
  function leaveWords(outputs) {
    for (let place = 0; place < outputs.length; place++) {
      const output = outputs.get(place).toJSON();
      const { [WIDGET]: view, ...data } = output.data ?? {};
      if (view) outputs.set(place, { ...output, data });
    }
  }

  // A kernel that died is started again by the server, and every panel that it had is dead.
  function openPanels(notebook, ...modules) {
    const open = hasDied =>
      openPanel(notebook, ...modules, hasDied).catch(error => console.warn("cfrunbook: the panel was not opened.", error));
    let hasDied = false;
    notebook.context.sessionContext.statusChanged.connect((_, status) => {
      if (status === "autorestarting") hasDied = true;
      else if (hasDied && status === "idle") {
        hasDied = false;
        open(true);
      }
    });
    open(false);
  }

  // JupyterLab opens the file that its address names a second later than it could: it waits until the layout of its
  // windows is saved. It then finds it open; who has gone on to another one meanwhile keeps that before them.
  async function openAddressed({ commands, restored, shell }, { PageConfig }) {
    const path = PageConfig.getOption("treePath");
    if (!/\.(ipynb|md)$/.test(path)) return;
    let opened;
    const openedLate = async (_, { id, args, result }) => {
      if (id !== "filebrowser:open-path" || args.path !== path) return;
      commands.commandExecuted.disconnect(openedLate);
      let before = shell.currentWidget;
      const goesOn = (_, { newValue }) => { if (newValue && newValue !== opened) before = newValue; };
      shell.currentChanged.connect(goesOn);
      await result;
      shell.currentChanged.disconnect(goesOn);
      if (opened && before && before !== opened && !before.isDisposed) shell.activateById(before.id);
    };
    commands.commandExecuted.connect(openedLate);
    await restored;
    opened = await commands.execute("docmanager:open", { path });
  }

  async function plugin() {
    const packages = ["coreutils", "launcher", "notebook", "outputarea"].map(name => `@jupyterlab/${name}`);
    const [core, launching, notebooks, outputs] = await Promise.all(packages.map(take));
    return {
      id: "cfrunbook:runbooks",
      description: "Cards for the runbooks, and their panels opened.",
      autoStart: true,
      optional: [launching.ILauncher, notebooks.INotebookTracker],
      activate: (app, launcher, tracker) => {
        openAddressed(app, core).catch(() => {}); // no such file: JupyterLab says so
        if (launcher) addCards(app, launcher);
        tracker?.widgetAdded.connect((_, notebook) => openPanels(notebook, notebooks, outputs));
      },
    };
  }

  (window._JUPYTERLAB ??= {}).cfrunbook = {
    init: scope => { shared = scope; },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
