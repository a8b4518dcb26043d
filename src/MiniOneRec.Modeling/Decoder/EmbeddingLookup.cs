using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Picks rows of an embedding and adds their gradient to the parameter in place: no second matrix of the vocabulary's size
/// exists.</summary>
internal sealed class EmbeddingLookup : autograd.SingleTensorFunction<EmbeddingLookup>
{
    public override string Name => nameof(EmbeddingLookup);

    /// <summary>Picks rows.</summary>
    /// <param name="weight">The embedding, <c>[V, D]</c>, a parameter.</param>
    /// <param name="tokens">Token ids, <c>[N]</c> int64; must live until the gradient is taken.</param>
    public static Tensor Run(Tensor weight, Tensor tokens) =>
        weight is { requires_grad: true, is_leaf: true } && is_grad_enabled() ? apply(weight, new Lookup(weight, tokens))
            : weight.index_select(0, tokens);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var lookup = (Lookup)vars[1];
        ctx.save_data("lookup", lookup);
        using var noGrad = no_grad();
        return lookup.Weight.index_select(0, lookup.Tokens);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (weight, tokens) = (Lookup)ctx.get_data("lookup");
        var gradient = weight.grad;
        if (gradient is null)
        {
            weight.grad = gradient = zeros_like(weight);
        }

        gradient.index_add_(0, tokens, grad_output, Scalars.Of(1));
        return [null!, null!];
    }

    private sealed record Lookup(Tensor Weight, Tensor Tokens);
}
