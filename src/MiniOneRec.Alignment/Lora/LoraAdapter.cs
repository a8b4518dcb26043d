using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Alignment;

/// <summary>A low-rank update of one map: <c>y = W x + (α/r) B A x</c>.</summary>
/// <remarks>Hu et al. (arXiv:2106.09685), Eq. 3. A is uniform as PEFT draws it, B is zero, so that a new adapter changes nothing.</remarks>
internal sealed class LoraAdapter : IDisposable
{
    private readonly Projection _projection;
    private readonly CausalLanguageModel _model;
    private readonly double _scale;
    private readonly double _dropout;

    public LoraAdapter(CausalLanguageModel model, string name, Projection projection, LoraOptions options)
    {
        (_model, _projection, Name) = (model, projection, name);
        (_scale, _dropout) = (options.Alpha / options.Rank, options.Dropout);
        var weight = projection.Weight;
        double bound = 1 / Math.Sqrt(weight.size(1));                                       // Kaiming-uniform with a = √5
        A = Own(() => empty(options.Rank, weight.size(1), dtype: ScalarType.Float32).uniform_(-bound, bound).to(weight.dtype).to(weight.device));
        B = Own(() => zeros(weight.size(0), options.Rank, dtype: weight.dtype, device: weight.device));
        Attach();
    }

    /// <summary>Gets the name of the map, for example <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public string Name { get; }

    /// <summary>Gets A, <c>[r, in]</c>.</summary>
    public Parameter A { get; private set; }

    /// <summary>Gets B, <c>[out, r]</c>.</summary>
    public Parameter B { get; private set; }

    /// <summary>Adds the update to W and takes the adapter off.</summary>
    public void Merge()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var update = B.to_type(ScalarType.Float32).mm(A.to_type(ScalarType.Float32)).mul_(Scalars.Of(_scale));
        _projection.Weight.PlusInPlace(update.to_type(_projection.Weight.dtype));
        _projection.Adapter = null;
    }

    /// <summary>Changes the type of A and B.</summary>
    public void ConvertTo(ScalarType type)
    {
        if (A.dtype != type)
        {
            var (a, b) = (A, B);
            A = Own(() => a.detach().to_type(type));
            B = Own(() => b.detach().to_type(type));
            Attach();
            a.Dispose();
            b.Dispose();
        }
    }

    public void Dispose()
    {
        _projection.Adapter = null;
        A.Dispose();
        B.Dispose();
    }

    private void Attach() => _projection.Adapter = new ProjectionAdapter(Apply, [("lora_A.weight", A), ("lora_B.weight", B)]);

    private Tensor Apply(Tensor x)
    {
        using var scope = NewDisposeScope();
        var input = _dropout > 0 && _model.training ? F.dropout(x, _dropout, training: true) : x;
        return F.linear(F.linear(input, A), B).mul(Scalars.Of(_scale)).MoveToOuterDisposeScope();       // [N, out]
    }

    private static Parameter Own(Func<Tensor> make)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var parameter = new Parameter(make(), requires_grad: true);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
