using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Is told where the passes of training stand in a model that computes block after block.</summary>
/// <remarks>Block 0 is what lies before the first layer, and every weight that belongs to no other block. Exceptions must not leave the
/// members: native code may call them.</remarks>
internal interface IBlockObserver
{
    /// <summary>The weights of a block are about to be used.</summary>
    /// <param name="block">The block.</param>
    void Enter(int block);

    /// <summary>A pass without a graph is done with a block.</summary>
    /// <param name="block">The block.</param>
    void Leave(int block);

    /// <summary>The backward pass has left a block towards earlier ones: the gradients of this block and of all later ones are
    /// complete.</summary>
    /// <param name="block">The block.</param>
    void Complete(int block);
}

/// <summary>An identity whose backward pass tells an observer that a block is complete.</summary>
/// <remarks>libtorch takes the nodes of a graph from the last to the first, and sums a gradient as soon as it is there. The node at a
/// block's input therefore comes after all gradients of the block.</remarks>
internal sealed class BlockBorder : autograd.SingleTensorFunction<BlockBorder>
{
    public override string Name => nameof(BlockBorder);

    /// <summary>Marks the input of a block.</summary>
    /// <param name="x">The input.</param>
    /// <param name="observer">Who is told, or <see langword="null"/>.</param>
    /// <param name="block">The block.</param>
    /// <returns>The input, where the gradient flows through the border.</returns>
    public static Tensor Mark(Tensor x, IBlockObserver? observer, int block) =>
        observer is not null && x.requires_grad && is_grad_enabled() ? apply(x, new Border(observer, block)) : x;

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data("border", vars[1]);
        return ((Tensor)vars[0]).detach();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (observer, block) = (Border)ctx.get_data("border");
        observer.Complete(block);
        return [grad_output, null!];
    }

    private sealed record Border(IBlockObserver Observer, int Block);
}
