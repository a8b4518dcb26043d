using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>The function within a feed-forward block.</summary>
public enum Activation
{
    /// <summary><c>x σ(x)</c>, also called swish.</summary>
    Silu,

    /// <summary><c>x Φ(x)</c> with the normal distribution's Φ.</summary>
    Gelu,

    /// <summary><c>x Φ(x)</c> with Φ approximated by tanh.</summary>
    GeluTanh,

    /// <summary><c>x σ(1.702 x)</c>.</summary>
    QuickGelu,

    /// <summary><c>max(x, 0)</c>.</summary>
    Relu,
}

/// <summary>Names of activations in configuration files, and their values.</summary>
/// <remarks>GELU: Hendrycks and Gimpel (arXiv:1606.08415), Section 2.</remarks>
internal static class Activations
{
    /// <summary>What <see cref="Parse"/> knows, for messages.</summary>
    public const string Known = "silu, gelu, gelu_pytorch_tanh, quick_gelu or relu, or another name of these";

    /// <summary>Finds a function by the name that Hugging Face gives it.</summary>
    public static Activation? Parse(string name) => name switch
    {
        "silu" or "swish" => Activation.Silu,
        "gelu" or "gelu_python" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_python_tanh" or "gelu_fast" or "gelu_accurate" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "relu" => Activation.Relu,
        _ => null,
    };

    /// <summary>Gets the name that Hugging Face reads.</summary>
    public static string NameOf(Activation activation) => activation switch
    {
        Activation.Gelu => "gelu",
        Activation.GeluTanh => "gelu_pytorch_tanh",
        Activation.QuickGelu => "quick_gelu",
        Activation.Relu => "relu",
        _ => "silu",
    };

    /// <summary>Computes the function of each element.</summary>
    public static Tensor Apply(Activation activation, Tensor x)
    {
        switch (activation)
        {
            case Activation.Silu:
                return F.silu(x);
            case Activation.Relu:
                return F.relu(x);
            case Activation.Gelu:
                return F.gelu(x);
        }

        using var scope = NewDisposeScope();
        var wide = x.to_type(ScalarType.Float32);
        if (activation == Activation.QuickGelu)
        {
            return (wide * (wide * Scalars.Of(1.702)).sigmoid()).to_type(x.dtype).MoveToOuterDisposeScope();
        }

        var half = wide * Scalars.Of(0.5);
        var inner = wide.Plus(wide.pow(Scalars.Of(3)) * Scalars.Of(0.044715)) * Scalars.Of(Math.Sqrt(2 / Math.PI));
        return half.Plus(half * inner.tanh()).to_type(x.dtype).MoveToOuterDisposeScope();
    }
}
