import type { Schema } from '../io/protobuf.js';

// The part of onnx.proto (Open Neural Network Exchange, IR version 8) that Twill writes and reads, with its numbers.

export const DataType = { float: 1, uint8: 2, int64: 7 } as const;
export const AttributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

export interface TensorProto {
  readonly dims: readonly number[];
  readonly data_type?: number;
  readonly float_data?: readonly number[];
  readonly int32_data?: readonly number[];
  readonly int64_data?: readonly number[];
  readonly double_data?: readonly number[];
  readonly name?: string;
  readonly raw_data?: Uint8Array;
  readonly external_data?: readonly unknown[];
  readonly data_location?: number;
}

export interface AttributeProto {
  readonly name: string;
  readonly type?: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly op_type?: string;
  readonly domain?: string;
  readonly attribute: readonly AttributeProto[];
}

export interface DimensionProto {
  readonly dim_value?: number;
  readonly dim_param?: string;
}

export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: {
    readonly tensor_type?: {
      readonly elem_type?: number;
      readonly shape?: { readonly dim: readonly DimensionProto[] };
    };
  };
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly sparse_initializer?: readonly unknown[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface ModelProto {
  readonly ir_version?: number;
  readonly producer_name?: string;
  readonly graph?: GraphProto;
  readonly opset_import: readonly { readonly domain?: string; readonly version?: number }[];
}

const TENSOR: Schema = {
  1: { name: 'dims', kind: 'int64', repeated: true },
  2: { name: 'data_type', kind: 'int64' },
  4: { name: 'float_data', kind: 'float', repeated: true },
  5: { name: 'int32_data', kind: 'int64', repeated: true },
  7: { name: 'int64_data', kind: 'int64', repeated: true },
  8: { name: 'name', kind: 'string' },
  9: { name: 'raw_data', kind: 'bytes' },
  10: { name: 'double_data', kind: 'double', repeated: true },
  13: { name: 'external_data', kind: 'bytes', repeated: true },
  14: { name: 'data_location', kind: 'int64' },
};

const ATTRIBUTE: Schema = {
  1: { name: 'name', kind: 'string' },
  2: { name: 'f', kind: 'float' },
  3: { name: 'i', kind: 'int64' },
  4: { name: 's', kind: 'bytes' },
  5: { name: 't', kind: TENSOR },
  7: { name: 'floats', kind: 'float', repeated: true },
  8: { name: 'ints', kind: 'int64', repeated: true },
  20: { name: 'type', kind: 'int64' },
};

const NODE: Schema = {
  1: { name: 'input', kind: 'string', repeated: true },
  2: { name: 'output', kind: 'string', repeated: true },
  3: { name: 'name', kind: 'string' },
  4: { name: 'op_type', kind: 'string' },
  5: { name: 'attribute', kind: ATTRIBUTE, repeated: true },
  7: { name: 'domain', kind: 'string' },
};

const DIMENSION: Schema = {
  1: { name: 'dim_value', kind: 'int64' },
  2: { name: 'dim_param', kind: 'string' },
};
const SHAPE: Schema = { 1: { name: 'dim', kind: DIMENSION, repeated: true } };
const TENSOR_TYPE: Schema = { 1: { name: 'elem_type', kind: 'int64' }, 2: { name: 'shape', kind: SHAPE } };
const VALUE_INFO: Schema = {
  1: { name: 'name', kind: 'string' },
  2: { name: 'type', kind: { 1: { name: 'tensor_type', kind: TENSOR_TYPE } } },
};

const GRAPH: Schema = {
  1: { name: 'node', kind: NODE, repeated: true },
  2: { name: 'name', kind: 'string' },
  5: { name: 'initializer', kind: TENSOR, repeated: true },
  11: { name: 'input', kind: VALUE_INFO, repeated: true },
  12: { name: 'output', kind: VALUE_INFO, repeated: true },
  15: { name: 'sparse_initializer', kind: 'bytes', repeated: true },
};

const OPERATOR_SET: Schema = { 1: { name: 'domain', kind: 'string' }, 2: { name: 'version', kind: 'int64' } };

export const MODEL: Schema = {
  1: { name: 'ir_version', kind: 'int64' },
  2: { name: 'producer_name', kind: 'string' },
  7: { name: 'graph', kind: GRAPH },
  8: { name: 'opset_import', kind: OPERATOR_SET, repeated: true },
};
