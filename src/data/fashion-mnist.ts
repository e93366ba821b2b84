import { FormatError } from '../errors.js';
import type { ImageDataset } from './dataset.js';
import { idxDataset, type NamedBytes } from './idx-dataset.js';

/** The ten classes in the order of their labels. */
export const FASHION_MNIST_CLASSES: readonly string[] = Object.freeze([
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]);

/** What `fashionMnist()` gives. */
export interface FashionMnist {
  /** 60,000 grey images of 28x28 bytes. */
  readonly train: ImageDataset;
  /** 10,000 more. */
  readonly test: ImageDataset;
  /** The directory or address that they came from. */
  readonly source: string;
}

/** How far a download is. */
export interface DownloadProgress {
  /** Name of the file that is coming in. */
  readonly file: string;
  /** Bytes that have come, of all files. */
  readonly loaded: number;
  /** Bytes that will have come in the end, of all files; undefined when a server does not tell. */
  readonly total: number | undefined;
}

/** One of the four files, as its authors published it. */
export interface PublishedFile {
  /** Without `.gz`. */
  readonly name: string;
  /** Of the .gz file. */
  readonly bytes: number;
  /**
   * Accepted SHA-256 of the .gz file: the authors' upload, and the one that Debian distributes. They differ only in
   * the gzip header, which holds the file's name and date in the former.
   */
  readonly sha256: readonly string[];
}

/** In this order: training images and labels, test images and labels. */
export const FASHION_MNIST_FILES: readonly PublishedFile[] = [
  {
    name: 'train-images-idx3-ubyte',
    bytes: 26421880,
    sha256: [
      '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
      'b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7',
    ],
  },
  {
    name: 'train-labels-idx1-ubyte',
    bytes: 29515,
    sha256: [
      'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
      '0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056',
    ],
  },
  {
    name: 't10k-images-idx3-ubyte',
    bytes: 4422102,
    sha256: [
      '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
      'cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa',
    ],
  },
  {
    name: 't10k-labels-idx1-ubyte',
    bytes: 5148,
    sha256: [
      '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
      '8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05',
    ],
  },
];

/** Decodes the four files, in the order of `FASHION_MNIST_FILES`. Any number of images, but 28x28 and ten classes. */
export async function decodeFashionMnist(
  files: readonly NamedBytes[],
  source: string,
): Promise<FashionMnist> {
  const [trainImages, trainLabels, testImages, testLabels] = files as [
    NamedBytes,
    NamedBytes,
    NamedBytes,
    NamedBytes,
  ];
  const [train, test] = await Promise.all([
    decodeSplit(trainImages, trainLabels),
    decodeSplit(testImages, testLabels),
  ]);
  return { train, test, source };
}

async function decodeSplit(images: NamedBytes, labels: NamedBytes): Promise<ImageDataset> {
  const data = await idxDataset(images, labels, FASHION_MNIST_CLASSES);
  if (data.shape.join('x') !== '1x28x28' || data.dtype !== 'uint8') {
    throw new FormatError(
      `[fashionMnist] ${images.name}: expected images of 1x28x28 uint8 but they have ${data.shape.join('x')} ${data.dtype}`,
    );
  }
  return data;
}
