using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>An update of a <see cref="Projection"/> that can be switched off, for example a low-rank one.</summary>
/// <param name="Update">A function of x, <c>[…, in]</c>, whose result, <c>[…, out]</c>, is added to y.</param>
/// <param name="Parameters">What the update learns, by names within the projection; trainers of any package find it here.</param>
public sealed record ProjectionAdapter(Func<Tensor, Tensor> Update, IReadOnlyList<(string Name, Parameter Value)> Parameters);
