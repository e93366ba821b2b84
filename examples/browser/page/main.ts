import { Answer } from './answer.js';
import { BenchPanel } from './bench-panel.js';
import { Categories } from './categories.js';
import { ConfusionMatrix } from './confusion.js';
import { dataFromFiles, type Loaded, loadData } from './data.js';
import { byId } from './dom.js';
import { Facts } from './facts.js';
import { megabytes, percent } from './format.js';
import { Gallery } from './gallery.js';
import { Kernels } from './kernels.js';
import { Painter } from './painter.js';
import { type Change, Session } from './session.js';
import { SettingsForm } from './settings.js';
import { Sketch } from './sketch.js';
import { TrainingView } from './training-view.js';
import { Trouble } from './trouble.js';
import { DataError, FormatError, NumericError, WorkerError } from './twill.js';
import { WeightsPanel } from './weights-panel.js';

/** The first ankle boot of the test images: something to look at before anybody draws. */
const FIRST_SKETCH = 0;

/** Milliseconds between two drawings: what learns is to be seen, and a gallery looked at. */
const AT_ONCE = 30;
const OFTEN = 200;
const SELDOM = 2500;

const trouble = new Trouble();
const view = new TrainingView();
const settings = new SettingsForm(new URLSearchParams(location.search));

trouble.onFiles((files) => void begin(() => dataFromFiles(files)));
await begin(() =>
  loadData(({ loaded, total }) => {
    const of = total === undefined ? '' : ` of ${megabytes(total)}`;
    view.loading(`Loading Fashion-MNIST: ${megabytes(loaded)}${of}`, total && loaded / total);
  }),
);

/** Loads the data and trains. */
async function begin(load: () => Promise<Loaded>): Promise<void> {
  view.say('Loading the pictures');
  try {
    const data = await load();
    trouble.hide();
    await show(data);
  } catch (error) {
    const missing = error instanceof DataError || error instanceof FormatError;
    view.say('Stopped');
    view.loading('Nothing to learn from', 0);
    trouble.show(missing ? 'The pictures are not here' : 'The page cannot start', error, { data: missing });
  }
}

/** Puts a session on the page, and starts it. */
async function show(data: Loaded): Promise<void> {
  const { train, test } = data;
  const names = test.classes!;
  const facts = new Facts();
  const kernels = new Kernels();
  const categories = new Categories(test);
  const gallery = new Gallery(test);
  const matrix = new ConfusionMatrix(names, (label, predicted) => {
    gallery.filter(label, predicted);
    byId('mistakes', HTMLElement).scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  });
  const answer = new Answer(names);
  const session = new Session(train, test, (change) => draw[change]());

  const classify = async (asked: boolean) => {
    try {
      const probabilities = await session.classify(sketch.ink.pixels);
      if (probabilities) answer.show(probabilities, asked);
    } catch (error) {
      // Cut short by the end of its worker, the question is asked again with the next weights.
      if (!(error instanceof WorkerError)) throw error;
    }
  };
  const painter = new Painter();
  const ask = painter.view(() => void classify(true), AT_ONCE);
  const askAgain = painter.view(() => void classify(false), OFTEN);
  const sketch = new Sketch(test, ask);
  const weights = new WeightsPanel(session, settings);
  new BenchPanel(session);

  const drawTraining = painter.view(() => view.draw(session), OFTEN);
  const drawExam = painter.view(() => {
    matrix.draw(session.exam);
    categories.draw(session.exam);
  }, OFTEN);
  const drawKernels = painter.view(() => kernels.draw(session.model), OFTEN);
  const drawGallery = painter.view(() => gallery.draw(session.exam), SELDOM);
  const draw: Readonly<Record<Change, () => void>> = {
    phase: () => {
      view.drawButtons(session);
      weights.draw();
      drawTraining();
      drawGallery();
    },
    run: () => {
      facts.draw(session, data.from);
      drawExam();
    },
    progress: drawTraining,
    weights: () => {
      drawKernels();
      askAgain();
    },
    exam: () => {
      drawTraining();
      drawExam();
      drawGallery();
    },
    epoch: () => {
      view.describe(session);
      const { record, exam } = session;
      view.say(
        `Epoch ${record!.epoch} of ${record!.epochs}: ${percent(exam.accuracy)} of the test pictures right`,
      );
    },
  };

  const start = async () => {
    const chosen = settings.read();
    if (!chosen) return;
    trouble.hide();
    view.say('Starting');
    const starting = session.start(chosen);
    view.say('Training');
    try {
      await starting;
      const { record, exam } = session;
      const finished = record && record.exact.length === record.epochs;
      if (finished) view.say(`Finished: ${percent(exam.accuracy, 2)} of the test pictures right`);
    } catch (error) {
      view.say('Stopped');
      trouble.show(error instanceof NumericError ? 'It has diverged' : 'The training has failed', error);
    }
  };
  connectControls(session, start);
  sketch.show(FIRST_SKETCH);
  await start();
}

function connectControls(session: Session, start: () => Promise<void>): void {
  settings.form.addEventListener('submit', (event) => {
    event.preventDefault();
    void start();
  });
  settings.form.addEventListener('input', () => {
    if (settings.lr !== undefined) session.lr = settings.lr;
  });
  byId('pause', HTMLButtonElement).addEventListener('click', () => {
    if (session.paused) session.resume();
    else session.pause();
    view.say(session.paused ? 'Paused' : 'Training');
  });
  byId('stop', HTMLButtonElement).addEventListener('click', () => {
    void session.stop().then(() => view.say('Stopped'));
  });
}
