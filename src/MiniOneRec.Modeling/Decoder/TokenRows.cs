using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The last rows of a model's embedding, and of its head where that is untied, as parameters of their own.</summary>
/// <remarks>
/// While <see cref="CausalLanguageModel.NewRows"/> holds them, gradients flow to these rows alone: the matrices themselves need no
/// gradient, so no optimizer can touch their other rows. The rows live twice; <see cref="Publish"/> copies them into the matrices after
/// each step.
/// </remarks>
public sealed class TokenRows : IDisposable
{
    private readonly CausalLanguageModel _model;

    /// <summary>Copies rows out of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="first">The first row that is trained; all rows from it on are.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public TokenRows(CausalLanguageModel model, int first)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)first, (uint)model.Config.VocabularySize, nameof(first));
        (_model, First) = (model, first);
        Input = Copy(model.EmbeddingWeight);
        Output = model.Config.TieWordEmbeddings ? Input : Copy(model.HeadWeight);
    }

    /// <summary>Gets the first row that is trained.</summary>
    public int First { get; }

    /// <summary>Gets the number of rows that are trained.</summary>
    public long Count => Input.size(0);

    /// <summary>Gets the rows of the input embedding, <c>[R, D]</c>.</summary>
    public Parameter Input { get; }

    /// <summary>Gets the rows of the output head, <c>[R, D]</c>; the same as <see cref="Input"/> where they are tied.</summary>
    public Parameter Output { get; }

    /// <summary>Copies the rows into the model's matrices.</summary>
    public void Publish()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _model.EmbeddingWeight.narrow(0, First, Count).copy_(Input);
        if (!ReferenceEquals(Input, Output))
        {
            _model.HeadWeight.narrow(0, First, Count).copy_(Output);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Input.Dispose();
        if (!ReferenceEquals(Input, Output))
        {
            Output.Dispose();
        }
    }

    /// <summary>Embeds tokens: trained rows from here, the others from the matrix without gradient.</summary>
    internal Tensor Embed(Tensor tokens, Tensor matrix)
    {
        using var scope = NewDisposeScope();
        var isTrained = tokens.ge(Scalars.Of(First));                                                   // [N]
        var trained = Input.index_select(0, (tokens - Scalars.Of(First)).clamp_(min: Scalars.Of(0)));               // [N, D]
        return where(isTrained.unsqueeze(1), trained, matrix.detach().index_select(0, tokens)).MoveToOuterDisposeScope();
    }

    private Parameter Copy(Tensor matrix)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var rows = new Parameter(matrix.detach().narrow(0, First, matrix.size(0) - First).clone(), requires_grad: true);
        rows.DetachFromDisposeScope();
        return rows;
    }
}
