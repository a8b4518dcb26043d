using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Rows that share a part of the output head, and the predictions that are read from them.</summary>
/// <param name="Rows">Packed tokens that predict, <c>[P]</c>.</param>
/// <param name="Tokens">The tokens that compete, <c>[K]</c>, or <see langword="null"/> for the whole vocabulary.</param>
/// <param name="Forbidden">Which of them may not follow a row, <c>[P, K]</c> bool, or <see langword="null"/>.</param>
/// <param name="EdgeRows">The row of each prediction, <c>[E]</c>.</param>
/// <param name="EdgeColumns">The token of each prediction among those that compete, <c>[E]</c>.</param>
internal sealed record HeadSlice(Tensor Rows, Tensor? Tokens, Tensor? Forbidden, Tensor EdgeRows, Tensor EdgeColumns) : IDisposable
{
    public bool IsEmpty => Rows.size(0) == 0;

    public void Dispose()
    {
        Rows.Dispose();
        Tokens?.Dispose();
        Forbidden?.Dispose();
        EdgeRows.Dispose();
        EdgeColumns.Dispose();
    }
}
