using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Runs a block without keeping its activations, and runs it again when its gradient is wanted.</summary>
/// <remarks>Chen et al. (arXiv:1604.06174). Blocks that draw random numbers must seed the generator themselves, so that both runs draw
/// alike.</remarks>
internal sealed class Recomputation : autograd.SingleTensorFunction<Recomputation>
{
    public override string Name => nameof(Recomputation);

    /// <summary>Runs a block.</summary>
    /// <param name="x">The block's input, which requires a gradient.</param>
    /// <param name="block">The block.</param>
    public static Tensor Run(Tensor x, Func<Tensor, Tensor> block) => apply(x, block);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, block) = ((Tensor)vars[0], (Func<Tensor, Tensor>)vars[1]);
        ctx.save_for_backward([x]);
        ctx.save_data("block", block);
        using var noGrad = no_grad();
        return CpuInference.ToBeRepeated(() => block(x));
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        var block = (Func<Tensor, Tensor>)ctx.get_data("block");
        var x = ctx.get_saved_variables()[0].detach().requires_grad_();
        autograd.backward(block(x), grad_output);
        return [x.grad!.MoveToOuterDisposeScope(), null!];
    }
}
