namespace MiniOneRec.Pretrained;

/// <summary>A tensor of a GGUF file, before it is read.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">How its elements are stored.</param>
/// <param name="Shape">The shape, slowest dimension first.</param>
/// <param name="Start">The first byte in the file.</param>
/// <param name="Bytes">The number of bytes.</param>
internal sealed record GgufTensor(string Name, GgufTensorType Type, long[] Shape, long Start, long Bytes);
